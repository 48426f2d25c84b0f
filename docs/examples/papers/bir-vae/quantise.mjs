// Latents as whole numbers of a set length: a codebook, and the place of the nearest of its words.

const squared = (a, b) => a.reduce((sum, v, c) => sum + (v - b[c]) ** 2, 0);

/** The place of the codeword that is nearest to a point. */
export function nearest(codebook, point) {
  let [best, least] = [0, Infinity];
  codebook.forEach((word, place) => {
    const distance = squared(word, point);
    if (distance < least) [best, least] = [place, distance];
  });
  return best;
}

/** k words, each far from those before it (k-means++; `from`: random numbers). */
function spread(points, k, from) {
  const words = [points[from.below(points.length)]];
  const distances = points.map(() => Infinity);
  while (words.length < k) {
    const last = words[words.length - 1];
    points.forEach((point, i) => {
      distances[i] = Math.min(distances[i], squared(point, last));
    });
    let left = from.uniform() * distances.reduce((a, b) => a + b);
    let place = 0;
    while (left > distances[place] && place < points.length - 1) left -= distances[place++];
    words.push(points[place]);
  }
  return words;
}

/** 2^bits words by Lloyd's rounds: the means of the points that are nearest to them, in steps of
 *  2^-9 as latents are. A digit's latents are then one whole number of exactly `bits` bits. */
export function codebookOf(points, bits, { from, rounds = 20 }) {
  let words = spread(points, 2 ** bits, from);
  for (let round = 0; round < rounds; round++) {
    const members = words.map(() => []);
    for (const point of points) members[nearest(words, point)].push(point);
    words = words.map((word, k) =>
      members[k].length === 0
        ? word
        : Array.from(word, (_, c) => {
            const mean = members[k].reduce((sum, point) => sum + point[c], 0) / members[k].length;
            return Math.round(mean * 2 ** 9) / 2 ** 9;
          }),
    );
  }
  return words;
}
