"""The 784-400-20 Bernoulli VAE's gradient in PyTorch, one thread: eager or compiled.

Talks with run.mjs in lines of JSON. Each line in is {"mode": "eager" | "compile", "batch": n, "iterations": n}; each
line out is {"milliseconds": [...]} for those iterations, with the loss and the norm of the gradient, by which run.mjs
sees that both sides compute the same.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Vae(nn.Module):
    def __init__(self, data_dim, hidden, latent_dim):
        super().__init__()
        self.encoder = nn.Linear(data_dim, hidden)
        self.posterior_mean = nn.Linear(hidden, latent_dim)
        self.posterior_log_var = nn.Linear(hidden, latent_dim)
        self.decoder = nn.Linear(latent_dim, hidden)
        self.likelihood_mean = nn.Linear(hidden, data_dim)

    def forward(self, x, epsilon):
        h = torch.relu(self.encoder(x))
        mean, log_var = self.posterior_mean(h), self.posterior_log_var(h)
        z = mean + torch.exp(0.5 * log_var) * epsilon
        logits = self.likelihood_mean(torch.relu(self.decoder(z)))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
        return reconstruction + kl


def load(model, flat):
    """Fills the layers, in the order of the file, from weights [inputs, outputs] and biases one behind the other."""
    offset = 0
    layers = [model.encoder, model.posterior_mean, model.posterior_log_var, model.decoder, model.likelihood_mean]
    with torch.no_grad():
        for layer in layers:
            rows, columns = layer.in_features, layer.out_features
            layer.weight.copy_(flat[offset : offset + rows * columns].view(rows, columns).t())
            offset += rows * columns
            layer.bias.copy_(flat[offset : offset + columns])
            offset += columns
    assert offset == flat.numel(), (offset, flat.numel())


def main():
    path, largest, data_dim, hidden, latent_dim = sys.argv[1], *map(int, sys.argv[2:6])
    count = sum(
        (rows + 1) * columns
        for rows, columns in [(data_dim, hidden), (hidden, latent_dim), (hidden, latent_dim), (latent_dim, hidden), (hidden, data_dim)]
    )
    data = torch.from_file(path, size=count + largest * (data_dim + latent_dim), dtype=torch.float32).clone()
    model = Vae(data_dim, hidden, latent_dim)
    load(model, data[:count])
    images = data[count : count + largest * data_dim].view(largest, data_dim)
    noise = data[count + largest * data_dim :].view(largest, latent_dim)
    # Compiled for each batch size by itself, as ours is.
    losses = {"eager": model, "compile": torch.compile(model, dynamic=False)}
    print(json.dumps({"version": torch.__version__}), flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        batch, loss_of = request["batch"], losses[request["mode"]]
        x, epsilon = images[:batch].contiguous(), noise[:batch].contiguous()
        milliseconds = []
        for _ in range(request["iterations"]):
            start = time.perf_counter()
            model.zero_grad(set_to_none=True)
            loss = loss_of(x, epsilon)
            loss.backward()
            milliseconds.append((time.perf_counter() - start) * 1e3)
        norm = torch.sqrt(sum(p.grad.double().pow(2).sum() for p in model.parameters()))
        answer = {"milliseconds": milliseconds, "loss": loss.item(), "gradientNorm": norm.item()}
        print(json.dumps(answer), flush=True)


main()
