"""The mirror of recurrent cells on a task that needs memory: simple, LSTM and GRU."""
