"""Ten epochs of the 784-400-20 VAE on MNIST in PyTorch eager: test ELBO and seconds, as one line of JSON.

usage: train_mnist.py FOLDER_OF_IDX_FILES [--epochs 10] [--threads 2] [--seed 1] [--batch 128]
"""

import argparse
import json
import os
import time

import torch
from vae import VAE, read_images, terms

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--batch", type=int, default=128)
args = parser.parse_args()

torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
train = read_images(os.path.join(args.folder, "train-images-idx3-ubyte"))
test = read_images(os.path.join(args.folder, "t10k-images-idx3-ubyte"))
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

training = 0.0
for _ in range(args.epochs):
    began = time.perf_counter()
    order = torch.randperm(len(train))
    for begin in range(0, len(train), args.batch):
        x = train[order[begin : begin + args.batch]]
        reconstruction, kl = terms(model, x)
        optimizer.zero_grad()
        ((kl - reconstruction) / len(x)).backward()
        optimizer.step()
    training += time.perf_counter() - began

with torch.no_grad():
    sums = [terms(model, x) for x in test.split(500)]
elbo = sum((r - k).item() for r, k in sums) / len(test)
images = args.epochs * len(train)
print(json.dumps({"testElbo": elbo, "trainingSeconds": training, "imagesPerSecond": images / training}))
