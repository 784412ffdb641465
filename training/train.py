"""Trains the space: python train.py [--steps N] [--ranks N]. Resumes from its last checkpoint.

Each rank is a single-threaded process with batches of its own; gradients are averaged every step.
"""

import argparse
import ctypes
import fcntl
import json
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from tqdm import tqdm

import heldout
import words
from data import Shards
from lessons import Lesson, Memory
from model import SENSES, Space
from preprocessing import IMAGE

CACHE = Path(__file__).parent / ".cache"
CHECKPOINT, LOG = CACHE / "checkpoint.pt", CACHE / "train.jsonl"
RATE, WARM, DECAY, EMA = 2e-3, 100, 0.45, 0.998
FILMS_FROM = 0.3  # of the steps: until then the image tower has too little to say
# Until then nothing is remembered: while vectors still wander, old ones say nothing, and pushing away from them teaches nothing.
MEMORY_FROM = 0.65
# Pictures grow while it learns: (until this part of the steps, side). What is coarse is learnt at a third of the cost.
SIDES = ((0.35, 48), (0.78, 64), (1.0, IMAGE["width"]))
SAVE_EVERY, LOOK_EVERY = 50, 250
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def pace(step: int, steps: int) -> float:
    """Warm up, hold, and fall to zero over the last part."""
    return min(1.0, (step + 1) / WARM, max(0.02, (steps - step) / (DECAY * steps)))


def average(parameters):
    """The mean gradient over the ranks; a parameter without one counts as zero."""
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    offset = 0
    for p in parameters:
        p.grad = flat[offset : offset + p.numel()].view_as(p).clone()
        offset += p.numel()


@torch.no_grad()
def follow(shadow: dict, space: Space, step: int):
    """Moves the averaged weights (and normalisation statistics) towards the present ones."""
    keep = min(EMA, step / (step + 10))
    for name, value in space.state_dict().items():
        if value.dtype.is_floating_point:
            shadow[name].mul_(keep).add_(value, alpha=1 - keep)
        else:
            shadow[name].copy_(value)


def averaged(shadow: dict, vocabulary: int) -> Space:
    space = Space(vocabulary)
    space.load_state_dict(shadow)
    return space.eval()


def build(tokenizer) -> Space:
    torch.manual_seed(11)
    space = Space(tokenizer.get_vocab_size())
    return space.to(memory_format=torch.channels_last)


def side(step: int, steps: int) -> int:
    return next(width for until, width in SIDES if step < until * steps)


def work(rank: int, ranks: int, steps: int):
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)  # a rank that outlives its launcher would spoil the next run
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{CACHE}/rendezvous", rank=rank, world_size=ranks)
    tokenizer = words.load()
    space = build(tokenizer)
    optimiser = torch.optim.AdamW(space.parameters(), lr=RATE, weight_decay=0.02, betas=(0.9, 0.98))
    shadow = {k: v.clone() for k, v in space.state_dict().items()}
    step, spent = 0, 0.0
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, weights_only=True)
        space.load_state_dict(saved["space"])
        optimiser.load_state_dict(saved["optimiser"])
        shadow, step, spent = saved["shadow"], saved["step"], saved["spent"]
    shards, parameters = Shards(), list(space.parameters())
    memories = {name: Memory() for name in ("text", *SENSES)}
    bar = tqdm(total=steps, initial=step, disable=rank > 0, mininterval=5)
    while step < steps:
        began = time.time()
        r = np.random.default_rng((step, rank, 3))
        for group in optimiser.param_groups:
            group["lr"] = RATE * pace(step, steps)
        optimiser.zero_grad(set_to_none=True)
        remembered = memories if step >= MEMORY_FROM * steps else None
        lesson = Lesson(space, tokenizer, shards, remembered, side(step, steps), r)
        loss = lesson.loss(step, films=step % 2 == 0 and step >= FILMS_FROM * steps)
        loss.backward()
        average(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        step += 1
        follow(shadow, space, step)
        spent += time.time() - began
        bar.update()
        bar.set_postfix(loss=f"{loss.item():.2f}")
        if step % SAVE_EVERY == 0 or step == steps:
            shards.refresh()
            if rank == 0:
                report(space, shadow, optimiser, tokenizer, step, spent, loss.item())
    dist.destroy_process_group()


def report(space, shadow, optimiser, tokenizer, step, spent, loss):
    """Saves a checkpoint and now and then looks at the held-out pairs."""
    state = {"space": space.state_dict(), "optimiser": optimiser.state_dict(), "shadow": shadow, "step": step, "spent": spent}
    torch.save(state, CHECKPOINT.with_suffix(".partial"))
    os.replace(CHECKPOINT.with_suffix(".partial"), CHECKPOINT)
    if step % LOOK_EVERY == 0:
        found = heldout.look(averaged(shadow, tokenizer.get_vocab_size()), tokenizer)
        line = {"step": step, "seconds": round(spent), "loss": round(loss, 3), **{k: round(v, 3) for k, v in found.items()}}
        tqdm.write(json.dumps(line))
        with LOG.open("a") as log:
            log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--ranks", type=int, default=2)
    arguments = parser.parse_args()
    random.seed(0)
    CACHE.mkdir(exist_ok=True)
    alone = (CACHE / "train.lock").open("w")
    try:
        fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("another run is training here") from None
    words.load()
    heldout.media()
    (CACHE / "rendezvous").unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (arguments.ranks, arguments.steps), nprocs=arguments.ranks)
