interface Weather {
  delay: number;
  rate: number;
  repeat: number;
  later: number;
}
export interface Link {
  readonly isSilent: boolean;
}
export declare class Frames {
  take(bytes: Uint8Array): { bytes: Uint8Array; isMessage: boolean }[];
}
export declare class BadProxy {
  readonly links: Set<Link>;
  readonly repeated: number;
  constructor(target: number, random?: () => number);
  open(): Promise<number>;
  cut(links?: readonly Link[]): void;
  silence(links?: readonly Link[]): void;
  goAway(milliseconds: number): Promise<void>;
  storm(weather: Partial<Weather>, milliseconds?: number): Promise<void>;
  close(): void;
}
