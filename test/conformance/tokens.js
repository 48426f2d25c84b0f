// The tokens of a fixed corpus, as one digest: a tokenizer is learned from it, gives the tokens of
// every string of it, and is read back. All code points come, in scripts that are old and new, and
// what tables of runtimes disagree about.

/** Numbers below 2^32, one after the other: xorshift. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const WORDS = [
  "the of and to in it's we'll they're I'd don't caf\u00e9 na\u00efve stra\u00dfe 3.14",
  '2026 x_1 == // \u043f\u0440\u0438\u0432\u0435\u0442 \u4e2d\u6587',
  '\u0928\u092e\u0938\u094d\u0924\u0947',
  '\ud55c\uae00 \u0661\u0662 \u00bd \u2167 \u{1f468}\u200d\u{1f469} \u2764\ufe0f',
  '\u{1f1eb}\u{1f1f7} <|end|>',
].join(' ');
const BLANKS = [' ', ' ', ' ', '  ', '\n', '\n\n', '\t', '\u00a0', '\u3000', '\u0085', '\ufeff'];
const STEP = 13;
const LINES = 600;

/** The strings. */
function corpus() {
  const draw = generator(0x5eed);
  const words = WORDS.split(' ');
  const any = () => String.fromCodePoint(draw(0x110000));
  const lines = Array.from({ length: LINES }, (_, i) => {
    let line = '';
    for (let left = draw(40); left > 0; left--)
      line += (draw(8) === 0 ? any() : words[draw(words.length)]) + BLANKS[draw(BLANKS.length)];
    return i % 50 === 0 ? line + ' '.repeat(draw(300)) + 'a'.repeat(draw(300)) : line;
  });
  for (let first = 0; first < 0x110000; first += 256 * STEP) {
    let line = '';
    for (let point = first; point < Math.min(first + 256 * STEP, 0x110000); point += STEP)
      line += `${String.fromCodePoint(point)}${['', 'a', '1', ' ', '!'][draw(5)]}`;
    lines.push(line);
  }
  return lines;
}

/** SHA-256 of the rules and of the tokens of every string, a line each. `library`: what has
 *  `sha256Hex`; `entry`: what has `Tokenizer`. */
export async function tokensDigest({ sha256Hex }, { Tokenizer }) {
  const lines = corpus();
  const specialTokens = ['<|end|>'];
  const tokenizer = Tokenizer.train(lines, { size: 1024, specialTokens });
  const again = Tokenizer.fromJson(JSON.stringify(tokenizer.toJson()));
  const said = [
    ...tokenizer.toJson().model.merges.map((rule) => encodeURIComponent(rule)),
    ...lines.map((line, i) => (i % 2 === 0 ? tokenizer : again).encode(line).join(' ')),
  ].join('\n');
  return sha256Hex(Uint8Array.from(said, (character) => character.charCodeAt(0)));
}
