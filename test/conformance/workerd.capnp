# workerd with dist/worker.js: a runtime that compiles no bytes and takes kernels.wasm as a module.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    (name = "test/conformance/worker-main.js", esModule = embed "worker-main.js"),
    (name = "test/conformance/archives.js", esModule = embed "archives.js"),
    (name = "test/golden/codec.js", esModule = embed "../golden/codec.js"),
    (name = "test/conformance/handover-steps.js", esModule = embed "handover-steps.js"),
    (name = "test/conformance/logits.js", esModule = embed "logits.js"),
    (name = "test/conformance/receipt.js", esModule = embed "receipt.js"),
    (name = "test/conformance/int8.js", esModule = embed "int8.js"),
    (name = "test/conformance/tokens.js", esModule = embed "tokens.js"),
    (name = "dist/worker-codec.js", esModule = embed "../../dist/worker-codec.js"),
    (name = "dist/worker-generate.js", esModule = embed "../../dist/worker-generate.js"),
    (name = "dist/worker-receipt.js", esModule = embed "../../dist/worker-receipt.js"),
    (name = "dist/worker-tokenizer.js", esModule = embed "../../dist/worker-tokenizer.js"),
    (name = "dist/worker-verify.js", esModule = embed "../../dist/worker-verify.js"),
    (name = "dist/worker.js", esModule = embed "../../dist/worker.js"),
    (name = "dist/kernels.wasm", wasm = embed "../../dist/kernels.wasm"),
    (name = "dist/kernels-int8.wasm", wasm = embed "../../dist/kernels-int8.wasm"),
    (name = "dist/kernels-image.wasm", wasm = embed "../../dist/kernels-image.wasm"),
  ],
);
