"""Compares what `npm run fuzz:tokenizer -- --write FOLDER` wrote with Hugging Face's library in Rust:
the tokens of every string, and the rules that it learns from the same text.

    pip install tokenizers
    python3 test/fuzz/tokenizer_rust.py FOLDER

Exit code 1 if anything differs.
"""

import json
import pathlib
import sys

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

folder = pathlib.Path(sys.argv[1])
failed = False


def read(name):
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


for name in ("gpt2", "flags"):
    found = read(name)
    tokenizer = Tokenizer.from_str(found["tokenizer"])
    differing = [
        (text, own)
        for text, own in zip(found["strings"], found["tokens"])
        if tokenizer.encode(text, add_special_tokens=False).ids != own
    ]
    print(f"{name}: {len(found['strings'])} strings, {len(differing)} differ")
    for text, own in differing[:10]:
        print(ascii(text), own, tokenizer.encode(text, add_special_tokens=False).ids)
    failed = failed or bool(differing)

learned = read("learned")
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
trainer = trainers.BpeTrainer(
    vocab_size=learned["size"],
    min_frequency=2,
    show_progress=False,
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
)
tokenizer.train_from_iterator([learned["text"]], trainer)
merges = json.loads(tokenizer.to_str())["model"]["merges"]
merges = [rule if isinstance(rule, str) else " ".join(rule) for rule in merges]
is_same = merges == learned["merges"]
print(f"learned: {len(merges)} rules, {'the same' if is_same else 'OTHERS'}; "
      f"tokenizers {tokenizers.__version__}")
sys.exit(1 if failed or not is_same else 0)
