// Where a coordinator can be killed: [when, event, time], before, within or after the first, second
// ... event of a name. An event is what the process does to a file or says to the server, as
// kill-at.mjs finds it. `power`: after it, and what was not synchronised to the disk is lost.

const around = (event, time) => ['before', 'after'].map((when) => [when, event, time]);
/** Where half of what is written may be there. */
const torn = (event, time) => ['before', 'within', 'after'].map((when) => [when, event, time]);

export const CRASH_POINTS = [
  ...torn('write receipt.jsonl', 1), // its header
  ...around('publish manifest', 1),
  ...around('publish blob', 1), // the data
  ...around('publish blob', 4), // weights
  ...around('publish answer', 4), // tasks, and what becomes of results
  ...torn('write parts.jsonl', 5),
  ...torn('write receipt.jsonl', 5), // before: the weights are updated, and nothing says so
  ...around('publish log', 4),
  ...torn('write log.jsonl', 6),
  ...around('sync receipt.jsonl', 1),
  ['power', 'sync receipt.jsonl', 2],
  ...torn('write checkpoint.safetensors', 2),
  ...around('sync checkpoint.safetensors', 2),
  ...around('rename checkpoint.safetensors', 1),
  ...around('rename checkpoint.safetensors', 2),
  ['power', 'rename checkpoint.safetensors', 2],
  ['after', 'sync directory', 2],
  ['after', 'rename checkpoint.safetensors', 3], // the last one
  ...around('publish removal', 1),
];
