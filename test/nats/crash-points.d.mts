export declare const CRASH_POINTS: [when: string, event: string, time: number][];
