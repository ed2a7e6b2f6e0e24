"""One file for each verb: `HELP`, the arguments that it takes, and how it acts."""
