"""Motions, and short films of one mesh."""

import numpy as np

from world import studio
from world.camera import Camera, height_at, posed
from world.native import paint, render
from world.shapes import Mesh, rod, turn

# the extent of the thing at rest, in the frame
EXTENTS = {"spinning": (0.72, 0.9), "approaching": (0.98, 1.1)}
TRAVELLING = (0.52, 0.64)


class Motion:
    """A motion over the time 0..1, drawn at random within its kind; lengths in frame widths, knows nothing of pixels."""

    def __init__(self, name: str, r: np.random.Generator):
        self.name, self.phase, self.sign = name, r.uniform(0, 1), r.choice([-1, 1])
        self.reach = r.uniform(0.24, 0.31)  # of a journey to either side of the middle
        self.turns = r.uniform(0.9, 1.5)  # of a spin
        self.roll, self.upright = r.uniform(1.0, 1.5), r.uniform(0.35, 0.65)  # how fast it turns for its way, and when it stands upright
        self.bounces, self.leap = r.uniform(1.7, 2.6), r.uniform(0.32, 0.4)
        self.swings, self.swing, self.string = r.uniform(1.0, 1.6), r.uniform(26, 38), r.uniform(0.45, 0.65)
        self.lean, self.start, self.end = r.uniform(9, 15), r.uniform(0.3, 0.4), r.uniform(0.9, 1.0)
        self.extent = r.uniform(*EXTENTS.get(name, TRAVELLING))

    @property
    def floor(self) -> float:
        """How far below its rest the thing comes down."""
        return {"bouncing": self.leap / 2, "rising": self.reach, "falling": self.reach}.get(self.name, 0.0)

    def at(self, t: float) -> tuple[np.ndarray, float, float]:
        """(deformation [3, 3] about the middle, shift to the right, shift upwards) at time t."""
        name = self.name
        if name == "spinning":  # leaning like a top, so that it shows on round things too
            return turn("z", self.sign * 360 * (self.turns * t + self.phase)) @ turn("y", self.lean) @ turn("z", -360 * self.phase), 0, 0
        if name in ("rolling left", "rolling right"):
            way = 1 if name == "rolling right" else -1
            angle = np.degrees(2 * self.roll * 2 * self.reach / self.extent) * (t - self.upright)
            return turn("y", way * angle), way * self.reach * (2 * t - 1), 0
        if name == "bouncing":
            height = abs(np.sin(np.pi * (self.bounces * t + self.phase)))
            squash = 0.16 * max(0, 1 - 4 * height)
            return np.diag([1 + squash / 2, 1 + squash / 2, 1 - squash]), 0, self.leap * (height - 0.5)
        if name == "rising":
            return turn("y", 3 * np.sin(6 * t + self.phase)), 0, self.reach * (2 * t - 1)
        if name == "falling":
            return turn("y", self.sign * 25 * (t - 0.3)), 0, self.reach * (1 - 2 * t ** (1.5))
        if name == "swinging":
            angle = self.swing * np.sin(2 * np.pi * (self.swings * t + self.phase))
            return turn("y", -angle), self.string * np.sin(np.radians(angle)), self.string * (1 - np.cos(np.radians(angle))) - 0.05
        return np.eye(3) * (self.start + (self.end - self.start) * t**1.3), 0, 0  # approaching


class Film:
    """A short film of one mesh before a standing background: ask for the frame at any time 0..1."""

    def __init__(self, mesh: Mesh, kind: str, motion: str, pixels: int, r: np.random.Generator, unseen: bool = False):
        self.motion = Motion(motion, r)
        self.rest = posed(mesh, kind, r, lean=4)
        self.camera = Camera(pixels, up=r.uniform(-3, 24), distance=r.uniform(3, 5.5))
        self.camera.frame(self.rest, self.motion.extent, r, freedom=0.15)
        self.shot = studio.lit(pixels, [mesh], r, unseen)
        parts = [studio.part(mesh, self.rest, r)]
        if motion == "swinging":
            parts.append(self._string(mesh))
        self.moving = sum(len(p.vertices) for p in parts)
        if r.random() < studio.CLUTTER:
            parts += studio.clutter(self.camera, r)
        if r.random() < studio.OCCLUSION / 2:
            parts.append(studio.occluder(self.camera, *self.camera.box(self.rest), self.camera.distance - 1.3, r))
        self.whole = studio.joined(parts)
        self.rest = self.whole.vertices[: self.moving].copy()
        self.strength, self.width, self.foot = r.uniform(0, 0.55) * (motion != "swinging"), np.ptp(self.rest[:, 0]), self.rest[:, 2].min()
        self.shake, self.rhythm = r.uniform(0, 0.012) * (r.random() < 0.4), r.uniform(0, 4, 4)
        self.margin = int(np.ceil(self.shake * pixels))
        self.shot.width = self.shot.height = pixels + 2 * self.margin
        self.backdrop = paint(self.shot)
        self.shot.width = self.shot.height = pixels

    def _string(self, mesh: Mesh) -> studio.Part:
        top = height_at(self.rest, mesh.faces, 0, 0)
        length = self.motion.string * self.camera.unit()
        vertices, faces = rod((0, 0, min(top, 0.9 * length)), (0, 0, length), 0.012 * self.camera.unit(), segments=5)
        return studio.Part(vertices, vertices, faces, np.full((len(faces), 3), 0.3), np.zeros(len(faces), np.uint8))

    def frame(self, t: float) -> np.ndarray:
        """uint8 [pixels, pixels, 3]."""
        change, right, upwards = self.motion.at(t)
        camera, shot, unit, pixels = self.camera, self.shot, self.camera.unit(), self.shot.width
        camera.set(shot)
        dx, dy = np.rint(self.margin * np.sin(2 * np.pi * (self.rhythm[:2] * t + self.rhythm[2:]))).astype(int)
        shot.centre_x, shot.centre_y = shot.centre_x - dx, shot.centre_y - dy
        shot.noise = shot.noise * 1664525 + 1013904223 & 0xFFFFFFFF
        # shifts go along the frame, not along the world, whatever the camera's elevation
        shift = np.array([right, -upwards, 0]) * unit @ camera.rotation
        self.whole.vertices[: self.moving] = self.rest @ change.T + shift
        ground = np.array([right * unit, 0, self.foot - self.motion.floor * unit])
        height = upwards + self.motion.floor
        shot.shadows[0][:] = studio.shadow(camera, ground, 0.6 * self.width * change[0, 0], self.strength / (1 + 3 * height))
        across, down = self.margin + dx, self.margin + dy
        w = self.whole
        return render(shot, w.vertices, w.faces, w.colours, w.materials, w.grain, self.backdrop[down : down + pixels, across : across + pixels])
