"""Writes optimizers.json: parameters after each of a few updates by torch.optim, in float32.

Run with: python3 make_optimizer_golden.py   (PyTorch 2; made with 2.13 on a CPU)
"""

import json
import pathlib

import torch

LENGTH, STEPS, SAMPLE_COUNT = 11, 6, 8

CASES = [
    ("SGD", {"kind": "sgd"}, 0.1, None, lambda p, lr: torch.optim.SGD(p, lr=lr)),
    (
        "SGD with momentum",
        {"kind": "momentum", "momentum": 0.9, "nesterov": False},
        0.05,
        None,
        lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9),
    ),
    (
        "SGD with Nesterov momentum",
        {"kind": "momentum", "momentum": 0.8, "nesterov": True},
        0.05,
        None,
        lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.8, nesterov=True),
    ),
    (
        "Adam",
        {"kind": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        1e-3,
        None,
        lambda p, lr: torch.optim.Adam(p, lr=lr),
    ),
    (
        "Adam with other betas, a large epsilon and clipping",
        {"kind": "adam", "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3},
        1e-2,
        0.75,
        lambda p, lr: torch.optim.Adam(p, lr=lr, betas=(0.5, 0.9), eps=1e-3),
    ),
    (
        "AdamW",
        {"kind": "adamw", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0.1},
        1e-2,
        None,
        lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.1),
    ),
]


def run(name, spec, learning_rate, clip, make):
    random = torch.Generator().manual_seed(len(name))
    initial = torch.randn(LENGTH, generator=random)
    contributions = 10 * torch.randn(STEPS, 2, LENGTH, generator=random)
    parameter = torch.nn.Parameter(initial.clone())
    optimizer = make([parameter], learning_rate)
    norms, after = [], []
    for first, second in contributions:
        parameter.grad = (first + second) / SAMPLE_COUNT
        norm = torch.nn.utils.clip_grad_norm_([parameter], clip if clip else float("inf"))
        optimizer.step()
        norms.append(norm.item())
        after.append(parameter.tolist())
    return {
        "name": name,
        "spec": spec,
        "learningRate": learning_rate,
        "clipGlobalNorm": clip,
        "sampleCount": SAMPLE_COUNT,
        "initial": initial.tolist(),
        "contributions": contributions.tolist(),
        "gradientNorms": norms,
        "parameters": after,
    }


cases = [run(*case) for case in CASES]
path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
