/** The module of a file of AssemblyScript, whose path is from the root of the repository. `more`:
 *  options of the compiler instead of those of asconfig.json. */
export function compile(
  file: string,
  target: 'release' | 'checked',
  more?: Readonly<Record<string, unknown>>,
): Promise<Uint8Array>;
