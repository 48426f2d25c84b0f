"""What Hugging Face's transformers and onnxruntime say of the exported models, as one line of JSON.

Usage: check.py FOLDER, which test/interop/run.mjs has filled. Needs torch, transformers, pillow, onnx, onnxruntime and gguf.
"""
import json, os, sys, warnings
import numpy as np
import torch
import transformers
from transformers import AutoImageProcessor, AutoModelForCausalLM, AutoModelForImageClassification, AutoModelForSeq2SeqLM, AutoTokenizer

warnings.filterwarnings('ignore')
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
torch.set_grad_enabled(False)
folder = sys.argv[1]


def expected(path):
    with open(os.path.join(path, 'expected.json')) as file:
        return json.load(file)


def compared(theirs, ours):
    ours = np.array(ours)
    same = theirs.argmax(-1) == ours.argmax(-1)
    return {'worst': float(np.abs(theirs - ours).max()), 'equal': float(same.mean()), 'rows': int(same.size)}


def text_model(name):
    path = os.path.join(folder, name)
    want = expected(path)
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path).eval()
    logits = model(torch.tensor([want['tokens']])).logits[0].numpy()
    np.save(os.path.join(path, 'logits.npy'), logits)
    with open(os.path.join(path, 'logits.json'), 'w') as file:
        json.dump(logits.tolist(), file)
    ids = tokenizer(want['prompt'], return_tensors='pt').input_ids
    length = len(want['tokens']) - len(want['promptTokens'])
    written = model.generate(ids, max_new_tokens=length, do_sample=False)[0]
    return {**compared(logits, want['logits']), 'sameText': tokenizer.decode(written) == want['text'],
            'sameTokens': tokenizer(want['text']).input_ids == want['textTokens'], 'onnx': onnx(path, want['tokens'], logits), 'gguf': gguf(path)}


def onnx(path, tokens, logits):
    import onnx as library
    import onnxruntime
    worst = 0
    for name in ['js', 'js-plain']:
        file = os.path.join(path, name, 'onnx', 'model.onnx')
        library.checker.check_model(library.load(file), full_check=True)
        session = onnxruntime.InferenceSession(file)
        ids = np.array([tokens], dtype=np.int64)
        feeds = {'input_ids': ids, 'attention_mask': np.ones_like(ids), 'position_ids': np.arange(ids.size, dtype=np.int64)[None]}
        for one in session.get_inputs():
            if one.name.startswith('past'):
                feeds[one.name] = np.zeros((1, one.shape[1], 0, one.shape[3]), np.float32)
        worst = max(worst, float(np.abs(session.run(['logits'], feeds)[0][0] - logits).max()))
    return worst


def gguf(path):
    from gguf import GGUFReader
    reader = GGUFReader(os.path.join(path, 'model.gguf'))
    return [len(reader.tensors), reader.fields['tokenizer.ggml.model'].contents()]


def images():
    path = os.path.join(folder, 'vit')
    want = expected(path)
    model, processor = AutoModelForImageClassification.from_pretrained(path).eval(), AutoImageProcessor.from_pretrained(path)
    pixels = np.array(want['pixels'], np.uint8).reshape(-1, want['height'], want['width'], 3)
    given = processor(list(pixels), return_tensors='pt', input_data_format='channels_last')
    return {**compared(model(**given).logits.numpy(), want['logits']), 'sameLabels': list(model.config.id2label.values()) == want['labels']}


def translations():
    path = os.path.join(folder, 'translator')
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForSeq2SeqLM.from_pretrained(path).eval()
    rows, ours, same_tokens, same_text = [], [], True, True
    for want in expected(path)['sentences']:
        ids = tokenizer(want['source']).input_ids
        same_tokens &= ids == want['ids']
        rows += list(model(input_ids=torch.tensor([ids]), decoder_input_ids=torch.tensor([want['tokens'][:-1]])).logits[0].numpy())
        ours += want['logits']
        written = model.generate(torch.tensor([ids]), do_sample=False)[0]
        same_text &= tokenizer.decode(written, skip_special_tokens=True) == want['text']
    return {**compared(np.array(rows), ours), 'sameText': bool(same_text), 'sameTokens': bool(same_tokens)}


answer = {name: text_model(name) for name in sys.argv[2].split(',')}
print(json.dumps({'transformers': transformers.__version__, 'torch': torch.__version__, 'models': answer, 'vit': images(), 'translator': translations()}))
