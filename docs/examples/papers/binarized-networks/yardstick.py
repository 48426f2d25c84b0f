"""The yardstick of binarized-networks: the same network in PyTorch (float32, CPU), binarized and not.

Arguments: a folder with MNIST's four files (IDX, gzipped), 'binary' or 'float', seed, steps. The same layers, batches of 200 in a
new order each epoch, Adam of the same constants, the same rate and clipping. 'float' has neither signs of weights nor of activations,
but rectifiers, so it is what binarizing costs. Prints one line of JSON.
"""
import gzip, json, math, os, sys, time
import numpy as np
import torch
import torch.nn.functional as F

folder, kind, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
torch.manual_seed(seed)
started = time.time()

def read(name, offset):
    with gzip.open(os.path.join(folder, name)) as file:
        return torch.from_numpy(np.frombuffer(file.read(), np.uint8, offset=offset).copy())

def images(name):
    return (2 * read(name, 16).view(-1, 784).float() - 255) / 128

class Sign(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(context, gradient):
        x, = context.saved_tensors
        return gradient * (x.abs() <= 1)

sign = Sign.apply
isBinary = kind == 'binary'
sizes = [784, 1024, 1024, 1024, 10]
deviations = [0.03] * 4 if isBinary else [math.sqrt(2 / n) for n in sizes[:4]]
weights = [(torch.randn(to, of) * d).requires_grad_() for of, to, d in zip(sizes, sizes[1:], deviations)]
gains = [torch.ones(1024, requires_grad=True) for _ in range(3)]
biases = [torch.zeros(1024, requires_grad=True) for _ in range(3)]
parameters = weights + gains + biases

def logits(x):
    for i in range(3):
        x = F.layer_norm(F.linear(x, sign(weights[i]) / 32 if isBinary else weights[i]), (1024,), gains[i], biases[i])
        x = sign(x) if isBinary else F.relu(x)
    return F.linear(x, sign(weights[3]) / 32 if isBinary else weights[3])

x, y = images('train-images-idx3-ubyte.gz'), read('train-labels-idx1-ubyte.gz', 8).long()
unseen, labels = images('t10k-images-idx3-ubyte.gz'), read('t10k-labels-idx1-ubyte.gz', 8).long()
rate = 0.003 if isBinary else 0.0005
adam = torch.optim.Adam(parameters, lr=rate, betas=(1 - 2**-3, 1 - 2**-7), eps=1e-8)
for step in range(steps):
    if step % 300 == 0:
        order = torch.randperm(60000)
    batch = order[step % 300 * 200:][:200]
    for group in adam.param_groups:
        group['lr'] = rate * (steps - step) / steps
    loss = F.cross_entropy(logits(x[batch]), y[batch])
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1)
    adam.step()
    if isBinary:
        with torch.no_grad():
            for weight in weights:
                weight.clamp_(-1, 1)
with torch.no_grad():
    right = sum((logits(part).argmax(1) == answers).sum().item() for part, answers in zip(unseen.split(1000), labels.split(1000)))
print(json.dumps(dict(kind=kind, seed=seed, steps=steps, accuracy=right / 10000, loss=loss.item(), version=torch.__version__, seconds=round(time.time() - started))))
