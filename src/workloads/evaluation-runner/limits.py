"""What a sample may use, and how often it is looked at."""

TICK = 0.05  # seconds between two looks at a running sample
CENSUS = 0.05  # seconds between two counts of processes and bytes; /proc is not free to read
START = 60.0  # seconds that Python may take to start
TRIES = 3  # starts of one sample before Python is said not to work
CROWD = 64  # processes and threads of one sample
ENTRIES = 2000  # files and directories of one sample
HEARD = 4096  # bytes kept of what a sample says
LINES = 8 << 20  # bytes of all lines together; the kubelet keeps 10 MiB of a container's output
RUNNER_ROOM = 64 << 20  # bytes of the container's memory that samples are not given
