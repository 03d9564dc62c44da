"""Images a second of whole training steps (batch from memory, gradient, Adam) in PyTorch, as one line of JSON.

usage: train_steps.py --batch 128 --steps 200 --mode eager|ddp [--threads 2] [--processes 2]
eager: one process with --threads. ddp: --processes with gloo, one thread each, the batch split between them.
"""

import argparse
import json
import os
import resource
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from vae import VAE, terms


def train(model, batch, steps, warmup):
    data = torch.rand(8192 if batch <= 8192 else batch, 784)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    began = 0.0
    for step in range(warmup + steps):
        if step == warmup:
            began = time.perf_counter()
        x = data[torch.randint(len(data), (batch,))]
        reconstruction, kl = terms(model, x)
        optimizer.zero_grad()
        ((kl - reconstruction) / batch).backward()
        optimizer.step()
    return time.perf_counter() - began


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(seconds, args):
    images = args.batch * args.steps
    line = {"imagesPerSecond": images / seconds, "stepMs": seconds / args.steps * 1e3, "peakMegabytes": peak_megabytes()}
    print(json.dumps(line), flush=True)


def ddp_process(rank, args, port):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    dist.init_process_group("gloo", rank=rank, world_size=args.processes)
    model = torch.nn.parallel.DistributedDataParallel(VAE())
    seconds = train(model, args.batch // args.processes, args.steps, args.warmup)
    if rank == 0:
        report(seconds, args)
    dist.destroy_process_group()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--mode", choices=["eager", "ddp"], default="eager")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--port", type=int, default=29511)
    args = parser.parse_args()
    if args.mode == "ddp":
        mp.spawn(ddp_process, args=(args, args.port), nprocs=args.processes)
    else:
        torch.set_num_threads(args.threads)
        torch.manual_seed(1)
        report(train(VAE(), args.batch, args.steps, args.warmup), args)
