namespace ContainerIR.Analyzers;

/// <summary>The rules of the catalogue that are there, by id. docs/triage.md has the same list with how each is found.</summary>
internal static class RuleList
{
    private const string Live = "Acquire now (cir acquire --profile full) before anything is stopped; then isolate the network.";
    private const string Escape = "Treat the host as part of the scene: do not exec into the container, acquire from outside, look at the host's own processes and files.";
    private const string Files = "Acquire with --profile standard or full: the bytes of the changed files are in it. Compare with the image.";
    private const string Configuration = "Ask who runs it so, and whether it must. What the container could reach counts as exposed.";

    public static IReadOnlyList<Rule> All { get; } =
    [
        new("CIR-001", "Miner command line", Severity.Critical, ["T1496.001"], "The process speaks to a mining pool: the machine works for somebody else, and somebody got in.", "Mining of your own; a text tool searching for the word is passed over.", Live),
        new("CIR-002", "Connection to a port of mining pools", Severity.Medium, ["T1496.001"], "Pools listen on few well-known ports.", "Services of others on the same ports.", Live),
        new("CIR-004", "Program added at run time is running", Severity.High, ["T1105", "T1059"], "What runs did not come with the image: somebody brought it.", "Self-updating programs, packages installed at start (lowered where the package database changed).", Live),
        new("CIR-005", "Running program has been deleted", Severity.High, ["T1070.004"], "A program that removes itself leaves nothing on disk; its bytes live as long as the process.", "A package upgraded in place (lowered).", Live),
        new("CIR-006", "Program runs from memory only", Severity.Critical, ["T1620"], "memfd execution leaves no file at all.", "The container runtime itself while it starts a process (lowered).", Live),
        new("CIR-007", "Shell whose input and output are one network socket", Severity.Critical, ["T1059.004"], "That is a remote shell, whoever opened the connection.", "A service started by inetd or tcpsvd for a connection (lowered).", Live),
        new("CIR-008", "Interactive shell under a network service", Severity.High, ["T1059.004", "T1190"], "Web servers and databases have no use for a terminal.", "CGI scripts and health checks: they have no terminal and are passed over.", Live),
        new("CIR-010", "Working directory under /proc/*/fd", Severity.Critical, ["T1611", "T1204.003"], "The form of the runtime escape CVE-2024-21626.", "None known.", Escape),
        new("CIR-011", "Process has more capabilities than were configured", Severity.Critical, ["T1611"], "Nothing inside can give itself these; an exec with privileges or an escape did.", "docker exec --privileged by an administrator.", Escape),
        new("CIR-012", "Process runs without the configured system call filter", Severity.High, ["T1562.001"], "The filter cannot be taken off from inside.", "docker exec --privileged by an administrator.", Escape),
        new("CIR-013", "Process of the container in a namespace of the host", Severity.Critical, ["T1611"], "It sees the host's files or processes.", "The runtime for a moment while it starts a process (lowered).", Escape),
        new("CIR-014", "Child of the container outside its cgroup", Severity.Critical, ["T1611"], "Only something with power over the host's cgroups can leave.", "None known.", Escape),
        new("CIR-015", "Command about release_agent", Severity.High, ["T1611"], "The cgroup v1 release agent runs a program on the host (CVE-2022-0492).", "Hardening scripts that check it.", Escape),
        new("CIR-016", "Command about core_pattern, uevent_helper or modprobe path", Severity.High, ["T1611"], "These make the host's kernel run a program.", "Hardening scripts that check them.", Escape),
        new("CIR-018", "Engine socket in the container", Severity.High, ["T1610", "T1552.007"], "Who can talk to the engine owns the host.", "Reverse proxies with discovery, management consoles, CI runners.", Configuration),
        new("CIR-020", "Privileged container", Severity.High, ["T1611"], "All capabilities, all devices: the host is one mount away.", "Node agents, storage drivers.", Configuration),
        new("CIR-021", "Dangerous capability", Severity.High, ["T1611"], "It leads to the host by a known way.", "VPN, storage and tracing containers.", Configuration),
        new("CIR-022", "Sensitive path of the host mounted", Severity.High, ["T1611"], "Writable, it is a way to run code on the host; read-only, it leaks secrets.", "Node exporters, log shippers (read-only: lowered).", Configuration),
        new("CIR-023", "Namespace of the host shared", Severity.Medium, ["T1611"], "The container sees, and may signal or sniff, what is the host's.", "Monitoring.", Configuration),
        new("CIR-024", "Container made to enter the host", Severity.Critical, ["T1610", "T1611"], "The host's root is mounted and the command changes into it.", "Rescue containers of administrators.", Escape),
        new("CIR-026", "Library preloaded into every program", Severity.Critical, ["T1574.006"], "It hides processes and files, or reads passwords.", "Allocators and APM agents of the image: passed over, they did not come at run time.", Files),
        new("CIR-027", "setuid, setgid or file capabilities added", Severity.High, ["T1548.001"], "A way back to root.", "Packages installed at run time (lowered).", Files),
        new("CIR-028", "System program or library replaced", Severity.Critical, ["T1554", "T1036.005"], "What runs under a trusted name is not what the image has.", "Packages upgraded at run time (lowered).", Files),
        new("CIR-029", "SSH keys authorised", Severity.High, ["T1098.004"], "A way back in.", "Provisioning of keys when the container starts (lowered).", Files),
        new("CIR-030", "Accounts or sudoers changed", Severity.High, ["T1136.001"], "A way back in or up.", "Entry points that add a user (lowered within ten seconds of the start), packages (lowered).", Files),
        new("CIR-031", "Log-in modules changed", Severity.Critical, ["T1556.003"], "PAM and NSS see every password.", "Packages (lowered).", Files),
        new("CIR-032", "Scheduled task or service added", Severity.High, ["T1053.003", "T1543"], "It comes back by itself.", "Images whose entry point writes a crontab (lowered).", Files),
        new("CIR-033", "Start-up file of shells changed", Severity.Medium, ["T1546.004"], "It runs with the next log-in.", "Entry points that set PATH (lowered).", Files),
        new("CIR-034", "Script added in a web root", Severity.Medium, ["T1505.003"], "The usual place and form of a web shell. Judged by place and time, not by content.", "Plug-ins and caches of content management systems; what is written at the start is lowered.", Files),
        new("CIR-035", "Entry point or health check changed", Severity.High, ["T1525", "T1543.005"], "It runs with every start, or every few seconds.", "Entry points from templates (lowered within ten seconds of the start).", Files),
        new("CIR-036", "Packages installed at run time", Severity.Low, ["T1105"], "What the image was scanned for is not what runs.", "Entry points that install.", Files),
        new("CIR-037", "Offensive or reconnaissance tool", Severity.High, ["T1046", "T1613"], "These tools look for the next victim or the way out.", "Toolbox images that come with it (lowered).", Live),
        new("CIR-038", "Command that downloads and runs", Severity.High, ["T1105", "T1059.004"], "The first step of most automated attacks.", "The container's own command: install scripts (lowered).", Live),
        new("CIR-040", "Listener of a program added at run time", Severity.High, ["T1571"], "A door that the image does not have.", "Debug ports: netcat of the image is lowered, programs of the image are passed over.", Live),
        new("CIR-041", "Connection of an added program or a shell to a public address", Severity.Medium, ["T1071.001", "T1095"], "Who talks out with what was brought in, is being told what to do.", "Scheduled scripts.", Live),
        new("CIR-042", "Cloud metadata service asked", Severity.High, ["T1552.005"], "It hands out the machine's credentials.", "SDKs that use a role.", "Rotate the role's credentials after the capture."),
        new("CIR-043", "Secrets in the environment", Severity.Low, ["T1552.001"], "Whoever got in has them: this is the list to rotate. Names only.", "None: it is an inventory.", "Rotate each after the capture."),
        new("CIR-044", "Process dressed up as another", Severity.High, ["T1036"], "A name that looks like the kernel's, or hides where the program lies.", "Multi-call programs: passed over.", Live),
        new("CIR-045", "Program in a hidden or odd place", Severity.High, ["T1564.001"], "Hidden directories and names of blanks hide from people.", "Build caches (lowered); a program in /tmp alone is lowered too.", Files),
        new("CIR-048", "Process is being traced", Severity.Medium, ["T1055.008"], "A tracer reads and writes its memory.", "Debuggers.", Live),
        new("CIR-049", "Packet socket", Severity.Medium, ["T1040"], "It reads the traffic of the whole network namespace, passwords included.", "DHCP clients, keepalived, tcpdump of the image (lowered).", Live),
        new("CIR-050", "Kernel module", Severity.High, ["T1547.006", "T1014"], "A module owns the host.", "Storage and network plug-ins.", Escape),
        new("CIR-052", "Shell history switched off", Severity.Medium, ["T1070.003"], "Somebody does not want to be read.", "Hardened images: what the image sets is passed over.", Files),
        new("CIR-053", "Log removed or cut", Severity.High, ["T1070.002"], "Traces were removed.", "Log rotation: passed over where the rotated file stands beside it.", Files),
        new("CIR-054", "Times of a file do not fit together", Severity.Low, ["T1070.006"], "A program claims to be older than its inode.", "tar, pip and npm keep times.", Files),
        new("CIR-056", "Security tool removed", Severity.High, ["T1562.001"], "Attackers remove what watches, and each other.", "None common.", Files),
        new("CIR-058", "Interactive session by exec", Severity.Medium, ["T1609"], "Somebody is at a terminal in the container now.", "Administrators.", Live),
        new("CIR-062", "Restart storm", Severity.Info, ["T1499"], "Something kills it, or it cannot run.", "Bugs.", "Look at exit codes and logs."),
    ];

    public static Rule Of(string id) => All.First(rule => rule.Id == id);
}
