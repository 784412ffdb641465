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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from tqdm import tqdm

import heldout
import words
from data import Shards
from lessons import Lesson, Placing, looking
from model import SENSES, Space
from objectives import Memory
from preprocessing import IMAGE
from reading import Reading, Sayings

CACHE = Path(__file__).parent / ".cache"
CHECKPOINT, LOG = CACHE / "checkpoint.pt", CACHE / "train.jsonl"
WARM, DECAY, EMA = 100, 0.6, 0.998
SAVE_EVERY, LOOK_EVERY = 50, 500
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def pace(step: int, steps: int) -> float:
    """Warm up, hold, and fall to zero over the last part."""
    return min(1.0, (step + 1) / WARM, max(0.02, (steps - step) / (DECAY * steps)))


def average(parameters):
    """The mean gradient over the ranks, which have taught the same towers."""
    flat = torch.cat([p.grad.flatten() for p in parameters])
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


@dataclass(frozen=True)
class Phase:
    """Some steps of one kind."""

    name: str
    steps: int
    # Of text, pairs and scenes of a batch; of looking, the sense and how wide pictures are; of senses, MEMORY and GROW; of
    # placing, the sense, how many scenes or sounds, and how many of its other media.
    what: tuple
    rate: float
    falls: bool = True  # to zero over the last part

    def parameters(self, space: Space) -> list:
        """What may learn."""
        if self.name == "placing":
            return list(space.align[self.what[0]].parameters())
        reading = self.name == "text"
        return [p for name, p in space.named_parameters() if name.startswith("text.") == reading]

    def rate_at(self, step: int) -> float:
        return self.rate * (pace(step, self.steps) if self.falls else min(1.0, (step + 1) / WARM))


# The text tower learns first, by itself: words, then who stands where. Then it stands still and the senses are taught
# towards it. Before that each of them learns plain classes by itself: shapes and words are found several times faster so.
# Of the senses' steps, until MEMORY nothing seen is remembered: while vectors still wander, old ones say nothing; until
# GROW pictures are 64 wide: what is coarse is learnt at two thirds of the cost.
FIRST = (
    Phase("text", 700, (96, 40), 1.2e-3), Phase("text", 700, (40, 96), 1.2e-3),
    Phase("looking", 1400, ("image", 48), 2e-3, False), Phase("looking", 700, ("speech", 0), 2e-3, False),
    Phase("looking", 600, ("points", 0), 2e-3, False), Phase("looking", 500, ("image", 64), 2e-3, False),
    Phase("looking", 400, ("video", 64), 2e-3, False), Phase("senses", 1500, (0.5, 0.6), 1.2e-3),
)  # fmt: skip
# Once more, from what is there.
AGAIN = (
    Phase("text", 500, (64, 48), 6e-4), Phase("looking", 1500, ("image", 64), 1.2e-3, False),
    Phase("looking", 500, ("speech", 0), 1.2e-3, False), Phase("looking", 300, ("points", 0), 1.2e-3, False),
    Phase("looking", 300, ("video", 64), 1.2e-3, False), Phase("senses", 2000, (0.1, 0.5), 1.2e-3),
)  # fmt: skip
# And a third time, pictures at their full width. In the end towers stand still; the alignment of pictures alone is taught
# who stands where, that of recordings what kinds sound like: of few a step they had not learnt what the towers had.
THEN = (Phase("text", 900, (80, 56), 1.2e-3), Phase("looking", 1000, ("image", 80), 1e-3, False))


def phases(steps: int) -> list[Phase]:
    placing = Phase("placing", 200, ("image", 192, 256), 1e-3), Phase("placing", 150, ("speech", 128, 192), 1e-3)
    return [*FIRST, *AGAIN, *THEN, Phase("senses", steps, (0.1, 0.4), 1.2e-3), *placing]


def finish(space: Space, shadow: dict, phase: Phase):
    """What stands still in this phase takes its averaged weights: the text tower, or everything."""
    if phase.name == "placing":
        space.load_state_dict(shadow)
    else:
        space.text.load_state_dict({name.removeprefix("text."): value for name, value in shadow.items() if name.startswith("text.")})


def work(rank: int, ranks: int, steps: int):
    """All phases, the last of them `steps` long."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)  # a rank that outlives its launcher would spoil the next run
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{CACHE}/rendezvous", rank=rank, world_size=ranks)
    tokenizer = words.load()
    space = build(tokenizer)
    shadow = {k: v.clone() for k, v in space.state_dict().items()}
    done, spent, saved = 0, 0.0, None
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT, weights_only=True)
        space.load_state_dict(saved["space"])
        shadow, done, spent = saved["shadow"], saved["step"], saved["spent"]
    last = 0
    for phase in phases(steps):
        first, last = last, last + phase.steps
        if done >= last:
            continue
        if first > 0:
            finish(space, shadow, phase)
        space.train()
        learning, lesson = phase.parameters(space), lessons(phase, space, tokenizer)
        space.requires_grad_(False)
        for parameter in learning:
            parameter.requires_grad_(True)
        steering = torch.optim.AdamW(learning, lr=phase.rate, weight_decay=0.02, betas=(0.9, 0.98))
        if saved is not None and done > first:
            steering.load_state_dict(saved["optimiser"])
        bar = tqdm(total=phase.steps, initial=done - first, disable=rank > 0, mininterval=5, desc=phase.name)
        while done < last:
            began = time.time()
            part = (done - first) / phase.steps
            for group in steering.param_groups:
                group["lr"] = phase.rate_at(done - first)
            steering.zero_grad(set_to_none=True)
            loss = lesson(done - first, part, np.random.default_rng((done, rank, 3)))
            loss.backward()
            taught = [p for p in learning if p.grad is not None]  # the others rest
            average(taught)
            torch.nn.utils.clip_grad_norm_(taught, 5.0)
            steering.step()
            done += 1
            follow(shadow, space, done - first)
            spent += time.time() - began
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.2f}")
            if rank == 0 and (done % SAVE_EVERY == 0 or done == last):
                save(space, shadow, steering, done, spent)
                if phase.name in ("senses", "placing") and ((done - first) % LOOK_EVERY == 0 or done == last):
                    report(averaged(shadow, tokenizer.get_vocab_size()), tokenizer, done, side(phase, part), spent, loss.item())
    dist.destroy_process_group()


def side(phase: Phase, part: float) -> int:
    """How wide pictures are shown when this part of the steps is done: not whole in the first of the senses'."""
    return 64 if phase.name == "senses" and part < phase.what[1] else IMAGE["width"]


def lessons(phase: Phase, space: Space, tokenizer):
    """What gives the loss of a step: (step of the phase, part of the phase that is done, generator)."""
    if phase.name == "text":
        return lambda step, part, r: Reading(space, tokenizer, r).loss(*phase.what)
    shards = Shards()
    if phase.name == "looking":
        return lambda step, part, r: looking(space, shards, *phase.what, r)
    if phase.name == "placing":
        placing = Placing(space, tokenizer, shards, *phase.what)
        return lambda step, part, r: placing.loss(r)
    memory, _ = phase.what
    memories, sayings = {name: Memory() for name in SENSES}, Sayings(space, tokenizer)

    def lesson(step: int, part: float, r):
        if step % SAVE_EVERY == 0:
            shards.refresh()
        memories["text"] = sayings.draw(r)
        return Lesson(space, tokenizer, shards, memories, part >= memory, side(phase, part), r).loss(step, films=step % 2 == 0)

    return lesson


def save(space, shadow, steering, step, spent):
    state = {"space": space.state_dict(), "optimiser": steering.state_dict(), "shadow": shadow, "step": step, "spent": spent}
    torch.save(state, CHECKPOINT.with_suffix(".partial"))
    os.replace(CHECKPOINT.with_suffix(".partial"), CHECKPOINT)


def report(space, tokenizer, step, size, spent, loss):
    """A look at the held-out pairs."""
    found = heldout.look(space, tokenizer, size)
    line = {"step": step, "seconds": round(spent), "loss": round(loss, 3), **{k: round(v, 3) for k, v in found.items()}}
    tqdm.write(json.dumps(line))
    with LOG.open("a") as log:
        log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2400)
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
