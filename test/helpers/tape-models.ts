// The vision transformer and the translator in float64, as their forward pass (tape.ts), with the
// plain and the BDIA update.

import type { TranslatorConfig } from '../../src/models/translator.ts';
import type { VitConfig } from '../../src/models/vit.ts';
import { type Matrix, Tape } from './tape.ts';

export type Parameters = ReadonlyMap<string, Matrix>;
const get = (parameters: Parameters, name: string): Matrix => parameters.get(name)!;

/** How blocks go on: gammas[k] of block k, that of block 0 is not used; l fraction bits of a state;
 *  memory: what cross-attention looks at. */
interface Going {
  heads: number;
  causal: boolean;
  gammas: readonly number[];
  l: number;
  memory?: Matrix;
}

/** Blocks `name`.0 .. L-1 from x0. */
function stack(
  tape: Tape,
  p: Parameters,
  name: string,
  x0: Matrix,
  { heads, causal, gammas, l, memory }: Going,
): Matrix {
  const C = x0.columns;
  let previous = x0;
  let x = tape.round(x0, l);
  gammas.forEach((gamma, k) => {
    const w = (part: string): Matrix => get(p, `${name}.${k}.${part}`);
    const ys: Matrix[] = [];
    const z = (): Matrix => tape.add([1, x], ...ys.map((y): [number, Matrix] => [1, y]));
    const qkv = tape.linear(tape.norm(x, w('norm1.gain')), w('qkv.weight'));
    const third = (i: number): Matrix => tape.columns(qkv, i * C, i * C + C);
    ys.push(
      tape.linear(
        tape.attention(third(0), third(1), third(2), heads, causal),
        w('projection.weight'),
      ),
    );
    if (memory !== undefined) {
      const kv = tape.linear(memory, w('cross.keyValue.weight'));
      const q = tape.linear(tape.norm(z(), w('cross.norm.gain')), w('cross.query.weight'));
      ys.push(
        tape.linear(
          tape.attention(q, tape.columns(kv, 0, C), tape.columns(kv, C, 2 * C), heads, false),
          w('cross.projection.weight'),
        ),
      );
    }
    ys.push(
      tape.linear(
        tape.gelu(tape.linear(tape.norm(z(), w('norm2.gain')), w('up.weight'))),
        w('down.weight'),
      ),
    );
    const g = k === 0 ? 0 : gamma;
    const next = tape.round(
      tape.add([g, previous], [1 - g, x], ...ys.map((y): [number, Matrix] => [1 + g, y])),
      l,
    );
    [previous, x] = [x, next];
  });
  return x;
}

/** Loss of one image; leaves the gradients. patches: [T - 1, size]. */
export function vitOracle(
  { heads }: VitConfig,
  p: Parameters,
  { patches, label }: { patches: Matrix; label: number },
  gammas: readonly number[],
  l: number,
): number {
  const tape = new Tape();
  const x0 = tape.add(
    [1, tape.below(get(p, 'class.weight'), tape.linear(patches, get(p, 'patch.weight')))],
    [1, get(p, 'position.weight')],
  );
  const out = tape.norm(
    tape.rows(stack(tape, p, 'block', x0, { heads, causal: false, gammas, l }), [0]),
    get(p, 'norm.gain'),
  );
  const loss = tape.crossEntropy(tape.linear(out, get(p, 'head.weight')), [label]);
  tape.backward();
  return loss;
}

/** Summed loss of one pair; leaves the gradients. gammas: of the encoder's blocks, then of the
 *  decoder's. */
export function translatorOracle(
  { heads, layers }: TranslatorConfig,
  p: Parameters,
  { source, input, target }: Record<'source' | 'input' | 'target', Int32Array>,
  gammas: readonly number[],
  l: number,
): number {
  const tape = new Tape();
  const token = get(p, 'token.weight');
  const embed = (ids: Int32Array, position: string): Matrix =>
    tape.add(
      [1, tape.rows(token, ids)],
      [
        1,
        tape.rows(
          get(p, position),
          ids.map((_, i) => i),
        ),
      ],
    );
  const memory = tape.norm(
    stack(tape, p, 'encoder', embed(source, 'source.position.weight'), {
      heads,
      causal: false,
      gammas: gammas.slice(0, layers),
      l,
    }),
    get(p, 'encoder.norm.gain'),
  );
  const out = tape.norm(
    stack(tape, p, 'decoder', embed(input, 'target.position.weight'), {
      heads,
      causal: true,
      gammas: gammas.slice(layers),
      l,
      memory,
    }),
    get(p, 'norm.gain'),
  );
  const loss = tape.crossEntropy(tape.linear(out, token), target);
  tape.backward();
  return loss;
}
