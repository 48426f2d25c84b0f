// The worker that workerd runs: GET /verify answers the report, POST /handover trains on
// (handover-steps.js).

import * as library from '../../dist/worker.js';
import * as codec from '../../dist/worker-codec.js';
import * as generate from '../../dist/worker-generate.js';
import * as receipts from '../../dist/worker-receipt.js';
import * as tokenizer from '../../dist/worker-tokenizer.js';
import { describeRuntime, verify } from '../../dist/worker-verify.js';
import { archivesDigest } from './archives.js';
import { handover } from './handover-steps.js';
import { int8Digest } from './int8.js';
import { logitsDigest } from './logits.js';
import { receiptDigest } from './receipt.js';
import { tokensDigest } from './tokens.js';

export default {
  async fetch(request) {
    try {
      if (request.method === 'POST')
        return Response.json(await handover(library, await request.json()));
      const tokens = await tokensDigest(library, tokenizer);
      const logits = await logitsDigest(library, generate);
      const int8 = await int8Digest(library);
      const archives = await archivesDigest(library, codec);
      const receipt = await receiptDigest(library, receipts);
      const { kernels } = library.int8();
      const about = { report: verify(), runtime: describeRuntime() };
      return Response.json({ ...about, tokens, logits, int8, archives, receipt, kernels });
    } catch (error) {
      return Response.json({ error: `${error.name}: ${error.message}` });
    }
  },
};
