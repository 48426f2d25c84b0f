interface Size {
  bytes: number;
  gzipped: number;
}
export const MOST_BYTES: { example: number; everything: number };
export function pageSize(contents: string): Promise<Size>;
export function pageSizes(): Promise<{ example: Size; everything: Size }>;
