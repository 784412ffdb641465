"""Random weights under which different inputs give clearly different vectors.

The usual initialisation is small, and an untrained transformer of it answers nearly the same to everything: its
class token and positions outweigh what it sees. A parity of such vectors would prove nothing.
"""

import math

import torch

# Parameters that are the same for every input speak softly.
CONSTANT = (
    "position",
    "token_type",
    "pos_embed",
    "class_embedding",
    "cls_token",
    "cls_emb",
    "probe",
    "latent",
    "bias_k",
    "bias_v",
)


@torch.no_grad()
def randomise(module: torch.nn.Module, seed: int, gain: float = 1.5) -> torch.nn.Module:
    """Matrices of N(0, gain² / fan_in), small biases; scales of norms, buffers and scalars stay as they are."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.dim() == 0 or "logit" in name:
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        if any(part in name for part in CONSTANT):
            parameter.copy_(0.05 * noise)
        elif parameter.dim() == 1:
            parameter.add_(0.02 * noise)
        elif "embed" in name and parameter.dim() == 2 and "proj" not in name:
            parameter.copy_(noise)
        else:
            parameter.copy_(gain / math.sqrt(parameter[0].numel()) * noise)
    return module.eval()
