"""Trains the space: python train.py [--steps N] [--ranks N]. Resumes from its last checkpoint.

Each rank is a single-threaded process with batches of its own; gradients are averaged every step.
"""

import argparse
import json
import os
import random
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from tqdm import tqdm

import heldout
import words
from model import Space
from preprocessing import AUDIO, IMAGE
from world import captions
from world.catalogue import COLOURS, MOTIONS, NAMES, SOUNDING, split

CACHE = Path(__file__).parent / ".cache"
CHECKPOINT, LOG = CACHE / "checkpoint.pt", CACHE / "train.jsonl"
BATCH, RATE, WARM, DECAY, EMA = 72, 2e-3, 60, 0.35, 0.99
# Pictures and films learn slowest, points fastest.
SENSES_BY_STEP = (("image", "video", "speech"), ("image", "video", "points"), ("image", "video", "speech"), ("image", "video"))
SAVE_EVERY, LOOK_EVERY = 50, 100
FLOOR = float(np.log(AUDIO["front_end"]["floor"]))
COLOUR_NAMES = tuple(COLOURS)


class Shards:
    """Every finished shard, memory-mapped; picks up new ones when asked."""

    def __init__(self):
        self.open: dict[str, dict[str, np.ndarray]] = {}
        self.refresh()

    def refresh(self):
        for done in sorted((CACHE / "shards").glob("*/done.json")):
            if done.parent.suffix == "" and done.parent.name not in self.open:
                self.open[done.parent.name] = {f.stem: np.load(f, mmap_mode="r") for f in done.parent.glob("*.npy")}
        if not self.open:
            raise SystemExit("no shards: run generate.py first")

    def draw(self, name: str, rows, r) -> tuple[np.ndarray, list]:
        """One random item for each row; also where it was found."""
        shards = list(self.open.values())
        spots = [(int(r.integers(len(shards))), row, int(r.integers(shards[0][name].shape[1]))) for row in rows]
        return np.stack([shards[s][name][row, i] for s, row, i in spots]), spots

    def motions(self, spots) -> list[int]:
        shards = list(self.open.values())
        return [int(shards[s]["motion"][row, i]) for s, row, i in spots]


def _light(x: torch.Tensor, r) -> torch.Tensor:
    """Random brightness and contrast, one for each sample; x is 0..1 with the batch first."""
    shape = (len(x), *[1] * (x.dim() - 1))
    gain = torch.from_numpy(r.uniform(0.8, 1.2, shape).astype(np.float32))
    shift = torch.from_numpy(r.uniform(-0.08, 0.08, shape).astype(np.float32))
    return x * gain + shift


def pictures(x: np.ndarray, r=None) -> torch.Tensor:
    """uint8 [B, H, W, 3] or [B, frames, H, W, 3] to normalised channels-first; cropped and jittered if `r` is given."""
    size = IMAGE["width"]
    spare = x.shape[-2] - size
    if r is not None and spare:
        offsets = r.integers(0, spare + 1, (len(x), 2))
        x = np.stack([p[..., a : a + size, b : b + size, :] for p, (a, b) in zip(x, offsets)])
    elif spare:
        x = x[..., spare // 2 : spare // 2 + size, spare // 2 : spare // 2 + size, :]
    if r is not None:
        flip = r.random(len(x)) < 0.5
        x = np.where(flip.reshape(-1, *[1] * (x.ndim - 1)), x[..., ::-1, :], x)
    x = torch.from_numpy(np.ascontiguousarray(x)).float() / 255
    if r is not None:
        x = _light(x, r).clamp(0, 1)
    x = (x - IMAGE["mean"][0]) / IMAGE["std"][0]
    if x.dim() == 4:
        return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    return x.permute(0, 1, 4, 2, 3)


def clouds(x: np.ndarray, r=None) -> torch.Tensor:
    """float16 [B, N, 6]; turned about the up axis, leant and thinned if `r` is given."""
    x = x.astype(np.float32)
    if r is not None:
        around, lean = r.uniform(0, 2 * np.pi, len(x)), r.normal(0, 0.05, (len(x), 2))
        c, s, o, z = np.cos(around), np.sin(around), np.ones(len(x)), np.zeros(len(x))
        turn = np.stack([c, -s, lean[:, 0], s, c, lean[:, 1], z, z, o], 1).reshape(-1, 3, 3).astype(np.float32)
        x[..., :3] = x[..., :3] @ turn
        for cloud in x[r.random(len(x)) < 0.3]:
            lost = r.random(len(cloud)) < 0.25
            cloud[lost] = cloud[int(np.argmin(lost))]
    return torch.from_numpy(x)


def spectra(x: np.ndarray, r=None) -> torch.Tensor:
    """float16 [B, mels, frames] of natural logs; louder, quieter, later and masked if `r` is given."""
    x = x.astype(np.float32)
    if r is not None:
        x = x + r.uniform(-2.5, 1.0, (len(x), 1, 1)).astype(np.float32)
        for i in range(len(x)):
            late = int(r.integers(-12, 13))
            x[i] = np.roll(x[i], late, 1)
            x[i][:, :late] = FLOOR if late > 0 else x[i][:, :late]
            if r.random() < 0.5:
                low, start = int(r.integers(0, 57)), int(r.integers(0, 185))
                x[i, low : low + int(r.integers(1, 8))] = x[i].mean()
                x[i, :, start : start + int(r.integers(1, 14))] = x[i].mean()
    x = np.maximum(x, FLOOR)
    return torch.from_numpy((x - AUDIO["front_end"]["mean"]) / AUDIO["front_end"]["std"]).float()


PREPARE = {"image": pictures, "video": pictures, "points": clouds, "speech": spectra}


def prepare(name: str, x: np.ndarray, r=None) -> torch.Tensor:
    return PREPARE[name](x, r)


def contrast(a: torch.Tensor, b: torch.Tensor, scale) -> torch.Tensor:
    """Symmetric InfoNCE: row i of one belongs to row i of the other."""
    scores, target = scale * a @ b.T, torch.arange(len(a))
    return (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2


class Lesson:
    """One batch: which pairs, what they are called, and the loss of everything seen."""

    def __init__(self, space: Space, tokenizer, shards: Shards, r):
        self.space, self.tokenizer, self.shards, self.r = space, tokenizer, shards, r
        self.pairs = split()[0]
        # Added to scores [kinds, colours]: a pair that is held out must not serve as a wrong answer either, or
        # the towers learn that a pink thing is never a mug.
        self.unseen = torch.full((len(NAMES), len(COLOUR_NAMES)), -1e4)
        for kind, colour in self.pairs:
            self.unseen[NAMES.index(kind), COLOUR_NAMES.index(colour)] = 0

    def read(self, texts: list[str]) -> torch.Tensor:
        ids, mask = words.batch(self.tokenizer, texts)
        return self.space.read(torch.from_numpy(ids), torch.from_numpy(mask))

    def loss(self, senses: tuple[str, ...]) -> torch.Tensor:
        r = self.r
        rows = r.choice(len(self.pairs), BATCH, replace=False)
        names = [self.pairs[row] for row in rows]
        drawn = {sense: self.shards.draw(sense, rows, r) for sense in senses}
        motions = self.shards.motions(drawn["video"][1])
        moving = [MOTIONS[m] if r.random() < 0.7 else None for m in motions]
        texts = [captions.caption(*pair, r) for pair in names] + [captions.caption(*pair, r, m) for pair, m in zip(names, moving)]
        texts += [captions.of_kind(k, r, sounding=r.random() < 0.3) for k in NAMES]
        texts += [captions.of_colour(c, r) for c in COLOUR_NAMES] + [captions.of_motion(m, r) for m in MOTIONS]
        still, films, kinds, colours, moves = self.read(texts).split([BATCH, BATCH, len(NAMES), len(COLOUR_NAMES), len(MOTIONS)])
        kind = torch.tensor([NAMES.index(k) for k, _ in names])
        colour = torch.tensor([COLOUR_NAMES.index(c) for _, c in names])
        total, seen = torch.zeros(()), {}
        for sense in senses:
            seen[sense] = v = self.space.see(sense, prepare(sense, drawn[sense][0], r))
            scale = self.space.scale(sense)
            total = total + contrast(v, films if sense == "video" else still, scale)
            total = total + 0.4 * F.cross_entropy(scale * v @ kinds.T + self.unseen.T[colour], kind)
            total = total + 0.25 * F.cross_entropy(scale * v @ colours.T + self.unseen[kind], colour)
        total = total + 1.5 * F.cross_entropy(self.space.scale("video") * seen["video"] @ moves.T, torch.tensor(motions))
        for one, other in combinations(senses, 2):
            total = total + 0.2 * contrast(seen[one], seen[other], 12.0)
        if "speech" in senses:
            total = total + 0.5 * self._signatures(kinds)
        return total

    def _signatures(self, kinds: torch.Tensor) -> torch.Tensor:
        """What a sounding kind sounds like belongs to its name, whatever its colour."""
        rows = np.arange(len(SOUNDING))
        sounds = self.shards.draw("signature", rows, self.r)[0]
        v = self.space.see("speech", prepare("speech", sounds, self.r))
        return F.cross_entropy(self.space.scale("speech") * v @ kinds.T, torch.tensor([NAMES.index(k) for k in SOUNDING]))


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
    for name in ("image", "video"):
        space.towers[name] = space.towers[name].to(memory_format=torch.channels_last)
    return space


def work(rank: int, ranks: int, steps: int):
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
    bar = tqdm(total=steps, initial=step, disable=rank > 0, mininterval=5)
    while step < steps:
        began = time.time()
        r = np.random.default_rng((step, rank, 3))
        for group in optimiser.param_groups:
            group["lr"] = RATE * pace(step, steps)
        optimiser.zero_grad(set_to_none=True)
        loss = Lesson(space, tokenizer, shards, r).loss(SENSES_BY_STEP[step % len(SENSES_BY_STEP)])
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
        found = heldout.look(averaged(shadow, tokenizer.get_vocab_size()), tokenizer, prepare)
        line = {"step": step, "seconds": round(spent), "loss": round(loss, 3), **{k: round(v, 3) for k, v in found.items()}}
        tqdm.write(json.dumps(line))
        with LOG.open("a") as log:
            log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=960)
    parser.add_argument("--ranks", type=int, default=2)
    arguments = parser.parse_args()
    random.seed(0)
    words.load()
    heldout.media()
    (CACHE / "rendezvous").unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (arguments.ranks, arguments.steps), nprocs=arguments.ranks)
