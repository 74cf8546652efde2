SELECT worker, mode FROM worker_drain
