// A worker that lies: it computes its parts on data of its own. node liar.mjs SERVER RUN NAME

import { connect } from '@nats-io/transport-node';
import { work } from '../../dist/distributed.js';
import { Trainer } from '../../dist/index.js';
import { fetchManifest, inboxOf, openWorker } from '../../dist/nats.js';
import { readReceipt, receiptOptions } from '../../dist/receipt.js';

const [servers, run, name] = process.argv.slice(2);
const connection = await connect({ servers, inboxPrefix: inboxOf(name) });
const manifest = JSON.parse(new TextDecoder().decode(await fetchManifest(connection, run)));
const file = new TextEncoder().encode(manifest.header);
const trainer = Trainer.create(receiptOptions(file));
const { kernels } = readReceipt(file).header;
const size = trainer.options.batch * trainer.options.model.config.context;
const zeros = { inputs: new Int32Array(size), targets: new Int32Array(size) };
const courier = await openWorker(connection, run, name);
const onTask = ({ step }) => console.log(JSON.stringify({ event: 'task', step }));
const about = { courier, name, run, kernels, onTask };
const told = await work({ trainer, batchOf: () => zeros, ...about }).then(
  ({ ended }) => ended,
  ({ message }) => message,
);
console.log(JSON.stringify({ event: 'told', told }));
await connection.close();
