"""How many steps one call of the engine takes.

A call costs time of its own, however few steps it takes: it is handed from thread to thread, and
where the processor draws too, each of them waits for its turn. So what a call takes is learnt as
a straight line of its steps; to divide its time by its steps would find a step as dear as a call,
and then nothing but calls of one step would ever fit into a frame.
"""

MEMORY = 0.9  # that is left of what was learnt, a call later
ALIKE = 0.01  # relative variance of the steps of calls that all were about as long
FAR = 2  # times as many steps as usual are tried at most
LATE = 1.5  # times the budget that a call may take before its steps are cut


class Pacing:
    """Learns what calls take, and proposes how many steps fit into a time."""

    def __init__(self) -> None:
        self._calls = 0.0  # that are remembered; the sums are over them
        self._n = self._t = self._nn = self._nt = 0.0  # steps, seconds, and their products

    def learn(self, steps: int, seconds: float) -> None:
        """A call took so many steps, and so long."""
        if steps < 1:
            return
        self._calls, self._n, self._t = (MEMORY * s for s in (self._calls, self._n, self._t))
        self._calls, self._n, self._t = self._calls + 1, self._n + steps, self._t + seconds
        self._nn = MEMORY * self._nn + steps * steps
        self._nt = MEMORY * self._nt + steps * seconds

    def steps(self, seconds: float, budget: float) -> int:
        """Steps of a call that is to take so long; at least one.

        With calls within the `budget` it may try more, to learn what a step costs. The steps take
        half as long as the call by itself costs, or longer: fewer would save next to nothing.
        """
        if not self._calls:
            return 1
        usual, took = self._n / self._calls, self._t / self._calls
        call, step = self._line()
        # Where calls take too long, so they do whatever the line says.
        most = FAR * usual if took < budget else usual * min(1, LATE * budget / took)
        if step <= 0:  # all were alike: what a step costs is not known, so more are tried
            return max(1, round(most))
        time = max(seconds - call, call / 2)
        return max(1, int(min(time / step, most + 1)))

    def expected(self, steps: int) -> float:
        """Seconds that a call of so many steps takes; 0 while nothing is known."""
        if not self._calls:
            return 0.0
        call, step = self._line()
        mean, usual = self._t / self._calls, self._n / self._calls
        return call + step * steps if step > 0 else mean * steps / usual

    def _line(self) -> tuple[float, float]:
        """What a call costs and what a step does, in s; a step of 0 if all calls were alike."""
        n, t = self._n / self._calls, self._t / self._calls
        variance = self._nn / self._calls - n * n
        if variance <= ALIKE * n * n:
            return 0.0, 0.0
        slope = (self._nt / self._calls - n * t) / variance
        step = min(max(slope, t / n / 100), t / n)  # neither can cost less than nothing
        return t - step * n, step
