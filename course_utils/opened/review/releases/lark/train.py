"""Trains Lark 1 from its texts:  python train.py data.txt config.json OUT

data.txt has a text on each line. config.json is the configuration of the model. The folder OUT gets
model.safetensors, config.json and log.csv. The same machine gives the same weights again.
"""

import sys
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

STEPS, TEXTS_IN_A_STEP, RATE, WARMUP = 800, 32, 3e-3, 50


def train(texts, config, tokenizer, out, dtype=torch.float32, steps=STEPS):
    """Train a model on texts and write it with a log.

    texts : list of str; each step takes 32 of them, drawn at random
    config : the library's configuration of the model
    tokenizer : its tokenizer
    out : the folder for the model, its configuration and log.csv (step, loss in nats per token, seconds)
    dtype : the precision in which the weights are stored
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    rows = tokenizer([text + tokenizer.eos_token for text in texts], padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.1)
    log, began = ["step,loss,seconds"], time.monotonic()
    for step in range(steps):
        chosen = torch.randint(len(texts), (TEXTS_IN_A_STEP,))
        ids, mask = rows["input_ids"][chosen], rows["attention_mask"][chosen]
        longest = int(mask.sum(1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        labels = ids.masked_fill(mask == 0, -100)
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARMUP) * (1 - step / steps)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % 50 == 0 or step + 1 == steps:
            log.append(f"{step + 1},{loss.item():.3f},{time.monotonic() - began:.1f}")
    model.to(dtype).save_pretrained(out)
    (Path(out) / "log.csv").write_text("\n".join(log) + "\n", encoding="utf-8")


if __name__ == "__main__":
    data, config, out = sys.argv[1:]
    lines = Path(data).read_text(encoding="utf-8").splitlines()
    tokenizer = AutoTokenizer.from_pretrained(Path(config).parent)
    train(lines, AutoConfig.from_pretrained(config), tokenizer, out, torch.bfloat16)
