"""A contender: training steps of the task in PyTorch on the CPU (float32), in a fresh process. The request is the last argument.

Pre-layer-norm GPT-2 blocks without biases, GELU (erf), learned positions, head tied to the token embedding; AdamW with the gradient
norm clipped. Initial weights, tokens and constants are read from the task's folder (task.mjs). Prints one line of JSON. Needs
PyTorch and numpy: Debian's python3-torch, or a python3 that RETROGRAD_PYTHON names.
"""
import json, math, os, sys, time
import numpy as np
import torch
import torch.nn.functional as F

request = json.loads(sys.argv[-1])
torch.set_num_threads(request['threads'])
with open(os.path.join(request['folder'], 'task.json')) as file:
    task = json.load(file)
model, adamw, batch = task['model'], task['adamw'], task['batch']
T, C, H, layers = model['context'], model['channels'], model['heads'], model['layers']
values = np.fromfile(os.path.join(request['folder'], 'weights.f32'), dtype='<f4')
weights = {w['name']: torch.nn.Parameter(torch.from_numpy(values[w['offset']:w['offset'] + math.prod(w['shape'])].copy()).view(w['shape'])) for w in task['table']}
tokens = torch.tensor(task['tokens'])
inputs, targets = tokens[:-1].view(batch, T), tokens[1:].view(batch, T)
mask = torch.triu(torch.ones(T, T, dtype=torch.bool), 1)

def norm(x, name):
    return F.layer_norm(x, (C,), weights[name + '.gain'])

def linear(x, name):
    return F.linear(x, weights[name + '.weight'])

def attention(x, name):
    q, k, v = (t.view(batch, T, H, C // H).transpose(1, 2) for t in linear(x, name + '.qkv').split(C, 2))
    scores = ((q @ k.transpose(-2, -1)) / math.sqrt(C // H)).masked_fill(mask, float('-inf'))
    return linear((F.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, T, C), name + '.projection')

def mean_loss():
    x = weights['token.weight'][inputs] + weights['position.weight']
    for i in range(layers):
        x = x + attention(norm(x, f'block.{i}.norm1'), f'block.{i}')
        x = x + linear(F.gelu(linear(norm(x, f'block.{i}.norm2'), f'block.{i}.up')), f'block.{i}.down')
    return F.cross_entropy((norm(x, 'norm') @ weights['token.weight'].t()).flatten(0, 1), targets.flatten())

optimizer = torch.optim.AdamW([{'params': [w for w in weights.values() if w.dim() > 1], 'weight_decay': adamw['decay']},
                               {'params': [w for w in weights.values() if w.dim() < 2], 'weight_decay': 0.0}],
                              lr=adamw['rate'], betas=(adamw['beta1'], adamw['beta2']), eps=adamw['epsilon'])
times, losses, end = [], [], time.perf_counter() + request.get('seconds', 100)
for step in range(request['warmup'] + request['steps']):
    start = time.perf_counter()
    if times and start > end:
        break
    loss = mean_loss()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights.values(), adamw['clip'])
    optimizer.step()
    losses.append(loss.item())
    if step >= request['warmup']:
        times.append((time.perf_counter() - start) * 1e3)
blas = next((word.split('=')[1] for word in torch.__config__.show().replace(',', ' ').split() if word.startswith('BLAS_INFO=')), 'unknown')
version = f'{torch.__version__} ({torch.backends.cpu.get_cpu_capability() if hasattr(torch.backends, "cpu") else ""}, BLAS {blas})'
print(json.dumps(dict(times=times, losses=losses, version=version)))
