#!/usr/bin/env python3
"""Float32 yardstick of the translator: the same model, data, order of pairs and schedule, trained by PyTorch on the CPU.

Needs Debian's python3-torch and python3-numpy, run with Debian's own python3. Called by bench/translation.ts, which writes the
sentences as tokens and turns what this prints, one JSON line, into BLEU. Pre-layer-norm encoder-decoder transformer, gains without
biases, GELU (erf), learned positions, one embedding for source, target and head; AdamW, gradient norm clipped to 1, linear warm-up,
cosine decay to a tenth; betas as the integer optimizer's (1 - 2^-3, 1 - 2^-7). With `isBdia` both stacks train by BDIA's update in real
numbers, x' = gamma x_before + (1 - gamma) x + (1 + gamma) h(x), gamma = +-1/2 drawn for each sentence and block after the first; not
reversible here, every activation is stored.
"""
import json, math, sys, time
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

torch.set_num_threads(1)
o = json.load(open(sys.argv[1]))
V, L, C, H, T, M = (o[k] for k in ('vocabulary', 'layers', 'channels', 'heads', 'context', 'hidden'))
steps, B, seed = o['steps'], o['batch'], o['seed']
torch.manual_seed(seed)
order = np.array(o['order'], dtype=np.int64)

def norm(c):
    n = nn.LayerNorm(c); n.bias = None; return n
def apply(ln, x): return F.layer_norm(x, ln.normalized_shape, ln.weight, None, 1e-5)
def attend(q, k, v, mask):
    (b, t, _), s = q.shape, k.shape[1]
    q, k, v = (x.view(b, -1, H, C // H).transpose(1, 2) for x in (q, k, v))
    a = (q @ k.transpose(-2, -1)) / math.sqrt(C // H)
    return (F.softmax(a.masked_fill(mask, float('-inf')), -1) @ v).transpose(1, 2).reshape(b, t, C)

class Block(nn.Module):
    def __init__(s, cross, branches):
        super().__init__()
        s.n1, s.n2 = norm(C), norm(C)
        s.qkv, s.proj, s.up, s.down = (nn.Linear(i, u, bias=False) for i, u in ((C, 3 * C), (C, C), (C, M), (M, C)))
        small = [s.proj, s.down]
        if cross:
            s.nc = norm(C); s.q, s.kv, s.cproj = (nn.Linear(C, u, bias=False) for u in (C, 2 * C, C)); small.append(s.cproj)
        s.cross = cross
        for m in s.modules():
            if isinstance(m, nn.Linear): nn.init.normal_(m.weight, 0, 0.02 / (math.sqrt(branches) if m in small else 1))
    def forward(s, x, mask, memory=None, memory_mask=None):
        x = x + s.proj(attend(*s.qkv(apply(s.n1, x)).split(C, 2), mask))
        if s.cross: x = x + s.cproj(attend(s.q(apply(s.nc, x)), *s.kv(memory).split(C, 2), memory_mask))
        return x + s.down(F.gelu(s.up(apply(s.n2, x))))

class Translator(nn.Module):
    def __init__(s):
        super().__init__()
        s.tok, s.ps, s.pt = nn.Embedding(V, C), nn.Embedding(T, C), nn.Embedding(T, C)
        for e in (s.tok, s.ps, s.pt): nn.init.normal_(e.weight, 0, 0.02)
        s.enc, s.dec = nn.ModuleList(Block(False, 2 * L) for _ in range(L)), nn.ModuleList(Block(True, 3 * L) for _ in range(L))
        s.ne, s.nd = norm(C), norm(C)
    def stack(s, blocks, x, *masks):
        before = x
        for k, b in enumerate(blocks):
            y = b(x, *masks)
            if o['isBdia'] and s.training and k > 0:
                g = torch.randint(0, 2, (len(x), 1, 1)) - 0.5
                y = g * before + (1 - g) * x + (1 + g) * (y - x)
            x, before = y, x
        return x
    def encode(s, src, pad):
        return apply(s.ne, s.stack(s.enc, s.tok(src) + s.ps(torch.arange(src.shape[1])), pad))
    def decode(s, inp, memory, pad):
        t = inp.shape[1]; mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
        x = s.tok(inp) + s.pt(torch.arange(t))
        return apply(s.nd, s.stack(s.dec, x, mask, memory, pad)) @ s.tok.weight.t()

def padded(rows, fill=0):
    n = max(map(len, rows)); return torch.tensor([r + [fill] * (n - len(r)) for r in rows])
def batch(pairs):
    src = padded([p[0] for p in pairs]); pad = torch.tensor([[i >= len(p[0]) for i in range(src.shape[1])] for p in pairs])[:, None, None]
    return src, pad, padded([[1] + p[1][:-1] for p in pairs]), padded([p[1] for p in pairs], -1)
def loss_of(net, pairs, reduction):
    src, pad, inp, tgt = batch(pairs)
    return F.cross_entropy(net.decode(inp, net.encode(src, pad), pad).flatten(0, 1), tgt.flatten(), ignore_index=-1, reduction=reduction)

net = Translator()
decay = [p for p in net.parameters() if p.dim() == 2]; rest = [p for p in net.parameters() if p.dim() != 2]
opt = torch.optim.AdamW([{'params': decay, 'weight_decay': o['weightDecay']}, {'params': rest, 'weight_decay': 0}], lr=1, betas=(1 - 2 ** -3, 1 - 2 ** -7), eps=1e-8)
def rate(t):
    if t < o['warmup']: return o['learningRate'] * (t + 1) / o['warmup']
    return o['learningRate'] * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1, (t - o['warmup']) / max(1, steps - o['warmup'])))))
began = time.time()
for t in range(steps):
    for g in opt.param_groups: g['lr'] = rate(t)
    loss = loss_of(net, [o['train'][i] for i in order[t * B:(t + 1) * B]], 'mean')
    opt.zero_grad(); loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    if t % 200 == 199: print(f'step {t + 1} of {steps}, loss {loss.item():.4f}, {(time.time() - began) / (t + 1) * 1000:.0f} ms a step', file=sys.stderr, flush=True)

net.eval()
with torch.no_grad():
    v, total, tokens = o['validation'], 0.0, 0
    for i in range(0, len(v), 64):
        total += loss_of(net, v[i:i + 64], 'sum').item(); tokens += sum(len(p[1]) for p in v[i:i + 64])
    said = []
    for i in range(0, o['translate'], 64):
        src, pad, _, _ = batch(v[i:min(i + 64, o['translate'])])
        memory, out, done = net.encode(src, pad), torch.ones(len(src), 1, dtype=torch.long), torch.zeros(len(src), dtype=torch.bool)
        for _ in range(T):
            word = net.decode(out, memory, pad)[:, -1].argmax(1); word[done] = 0
            out, done = torch.cat([out, word[:, None]], 1), done | (word == 2)
            if done.all() or out.shape[1] > T: break
        for row in out[:, 1:].tolist(): said.append(row[:row.index(2)] if 2 in row else [w for w in row if w])
print(json.dumps({'seed': seed, 'loss': total / tokens, 'translations': said, 'millisecondsPerStep': (time.time() - began) / steps * 1000, 'torch': torch.__version__}))
