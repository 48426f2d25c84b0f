import './shims.mjs';
import { readFileSync, writeFileSync, rmSync } from 'node:fs';
import { readTask } from './task.mjs';
const src = readFileSync(new URL('./gpt-jax.mjs', import.meta.url),'utf8');
const variants = { base: src,
 erf: src.replace('nn.gelu(np.matmul(norm(x, w.norm2), w.up))','nn.gelu(np.matmul(norm(x, w.norm2), w.up), {approximate:false})'),
 split: src.replace(/const step = jit\(\(w, m0[^]*?\n  \}\);\n/, `const g = jit((w, xs, ys, causal) => valueAndGrad((p) => loss(p, xs, ys, causal, shape))(w));
 const u = jit((w, grads, m0, v0, c1, c2) => update(w, grads, m0, v0, c1, c2, decayed, adamw));
 const step = (w, m0, v0, c1, c2, xs, ys, causal) => { const [value, grads] = g(tree.ref(w), xs, ys, causal); return [value, ...u(w, grads, m0, v0, c1, c2)]; };\n`),
 nowait: src.replace(/      await Promise.all.*\n/, ''),
 headT: src.replace("np.matmul(norm(x, weights.norm), weights.token.transpose())","np.matmul(weights.token, norm(x, weights.norm).transpose()).transpose()"),
 var: src.replace("nn.standardize(x).mul(gain)","(()=>{const d=x.ref.sub(x.mean(-1,{keepdims:true}));return d.ref.mul(gain).div(np.sqrt(np.square(d).mean(-1,{keepdims:true}).add(1e-5)));})()"),
};
const pick = process.argv[2];
const f = new URL(`./y-${pick}.mjs`, import.meta.url); writeFileSync(f, variants[pick]);
try { const { createJaxGpt } = await import(f.href);
const {step}=await createJaxGpt(readTask('../../build/bench-task'));const t=[];let l;
for(let i=1;i<9;i++){const c=process.cpuUsage();l=await step(i);const d=process.cpuUsage(c);t.push((d.user+d.system)/1e3);}
console.log(pick,t.map(x=>x.toFixed(0)).join(' '),l);} finally { rmSync(f); }
