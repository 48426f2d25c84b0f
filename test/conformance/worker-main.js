// The worker that workerd runs: GET /verify answers the report, POST /handover trains on
// (handover-steps.js).

import * as library from '../../dist/worker.js';
import * as generate from '../../dist/worker-generate.js';
import * as tokenizer from '../../dist/worker-tokenizer.js';
import { describeRuntime, verify } from '../../dist/worker-verify.js';
import { handover } from './handover-steps.js';
import { logitsDigest } from './logits.js';
import { tokensDigest } from './tokens.js';

export default {
  async fetch(request) {
    try {
      if (request.method === 'POST')
        return Response.json(await handover(library, await request.json()));
      const tokens = await tokensDigest(library, tokenizer);
      const logits = await logitsDigest(library, generate);
      return Response.json({ report: verify(), runtime: describeRuntime(), tokens, logits });
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
