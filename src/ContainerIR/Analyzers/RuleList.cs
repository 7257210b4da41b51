namespace ContainerIR.Analyzers;

/// <summary>The rules of the catalogue, by id. docs/triage.md has the same list with how each is found.</summary>
internal static class RuleList
{
    private const string Live = "Acquire now (cir acquire --profile full) before anything is stopped; then isolate the network.";
    private const string Escape = "Treat the host as part of the scene: do not exec into the container, acquire from outside, look at the host's own processes and files.";
    private const string Files = "Acquire with --profile standard or full: the bytes of the changed files are in it. Compare with the image.";
    private const string Configuration = "Ask who runs it so, and whether it must. What the container could reach counts as exposed.";

    public static IReadOnlyList<Rule> All { get; } =
    [
        new("CIR-001", "Miner command line", Severity.Critical, ["T1496.001"], "The process speaks to a mining pool: the machine works for somebody else, and somebody got in.", "Mining of your own; a text tool searching for the word is passed over.", Live),
        new("CIR-002", "Connection to a port of mining pools", Severity.High, ["T1496.001"], "Pools listen on few well-known ports.", "Services of others on the same ports (lowered where nothing else speaks of mining).", Live),
        new("CIR-003", "Added program takes a whole processor", Severity.Medium, ["T1496.001"], "Miners work all the time.", "Batch jobs: programs of the image are passed over.", Live),
        new("CIR-004", "Program added at run time is running", Severity.High, ["T1105", "T1059"], "What runs did not come with the image: somebody brought it.", "Self-updating programs, packages installed at start (lowered where the package database changed).", Live),
        new("CIR-005", "Running program has been deleted", Severity.High, ["T1070.004"], "A program that removes itself leaves nothing on disk; its bytes live as long as the process.", "A package upgraded in place (lowered).", Live),
        new("CIR-006", "Program runs from memory only", Severity.Critical, ["T1620"], "memfd execution leaves no file at all.", "The container runtime itself while it starts a process (lowered).", Live),
        new("CIR-007", "Shell whose input and output are one network socket", Severity.Critical, ["T1059.004"], "That is a remote shell, whoever opened the connection.", "A service started by inetd or tcpsvd for a connection (lowered).", Live),
        new("CIR-008", "Interactive shell under a network service", Severity.High, ["T1059.004", "T1190"], "Web servers and databases have no use for a terminal.", "CGI scripts and health checks: they have no terminal and are passed over.", Live),
        new("CIR-009", "Descriptor or working directory outside the container's mounts", Severity.Critical, ["T1611"], "The process holds a way into the host's files (CVE-2024-21626).", "Terminals handed over by the runtime: passed over. A responder's own nsenter (lowered).", Escape),
        new("CIR-010", "Working directory under /proc/*/fd", Severity.Critical, ["T1611", "T1204.003"], "The form of the runtime escape CVE-2024-21626.", "None known.", Escape),
        new("CIR-011", "Process has more capabilities than were configured", Severity.Critical, ["T1611"], "Nothing inside can give itself these; an exec with privileges or an escape did.", "docker exec --privileged by an administrator.", Escape),
        new("CIR-012", "Process runs without the configured system call filter", Severity.High, ["T1562.001"], "The filter cannot be taken off from inside.", "docker exec --privileged by an administrator.", Escape),
        new("CIR-013", "Process of the container in a namespace of the host", Severity.Critical, ["T1611"], "It sees the host's files or processes.", "The runtime for a moment while it starts a process (lowered).", Escape),
        new("CIR-014", "Child of the container outside its cgroup", Severity.Critical, ["T1611"], "Only something with power over the host's cgroups can leave.", "None known.", Escape),
        new("CIR-015", "cgroup that can be written, or command about release_agent", Severity.Critical, ["T1611"], "The cgroup v1 release agent runs a program on the host (CVE-2022-0492).", "Hardening scripts that check it: a command line alone is lowered.", Escape),
        new("CIR-016", "Program the host's kernel starts lies in a container, or command about it", Severity.Critical, ["T1611"], "These make the host's kernel run a program.", "apport and systemd-coredump: passed over. Hardening scripts that check it: a command line alone is lowered.", Escape),
        new("CIR-017", "Program of the engine is not the one that was installed", Severity.Critical, ["T1611", "T1554"], "A replaced runc gives the host to every container (CVE-2019-5736).", "Manual upgrades: what no package owns is passed over.", Escape),
        new("CIR-018", "Engine socket in the container", Severity.High, ["T1610", "T1552.007"], "Who can talk to the engine owns the host.", "Reverse proxies with discovery, management consoles, CI runners.", Configuration),
        new("CIR-019", "Process of the container talks to the engine", Severity.Critical, ["T1059.013", "T1610"], "It can make a container that owns the host, now.", "Reverse proxies with discovery, management consoles, CI runners: name them in an allow-list.", Escape),
        new("CIR-020", "Privileged container", Severity.High, ["T1611"], "All capabilities, all devices: the host is one mount away.", "Node agents, storage drivers.", Configuration),
        new("CIR-021", "Dangerous capability", Severity.High, ["T1611"], "It leads to the host by a known way.", "VPN, storage and tracing containers.", Configuration),
        new("CIR-022", "Sensitive path of the host mounted", Severity.High, ["T1611"], "Writable, it is a way to run code on the host; read-only, it leaks secrets.", "Node exporters, log shippers (read-only: lowered).", Configuration),
        new("CIR-023", "Namespace of the host shared", Severity.Medium, ["T1611"], "The container sees, and may signal or sniff, what is the host's.", "Monitoring.", Configuration),
        new("CIR-024", "Container made to enter the host", Severity.Critical, ["T1610", "T1611"], "The host's root is mounted and the command changes into it.", "Rescue containers of administrators.", Escape),
        new("CIR-025", "Engine listens on TCP without TLS", Severity.Critical, ["T1133"], "Whoever reaches the port owns the host.", "A laboratory that listens to itself alone (lowered).", Escape),
        new("CIR-026", "Library preloaded into every program", Severity.Critical, ["T1574.006"], "It hides processes and files, or reads passwords.", "Allocators and APM agents of the image: passed over, they did not come at run time.", Files),
        new("CIR-027", "setuid, setgid or file capabilities added", Severity.High, ["T1548.001"], "A way back to root.", "Packages installed at run time (lowered).", Files),
        new("CIR-028", "System program or library replaced", Severity.Critical, ["T1554", "T1036.005"], "What runs under a trusted name is not what the image has.", "Packages upgraded at run time (lowered).", Files),
        new("CIR-029", "SSH keys authorised", Severity.High, ["T1098.004"], "A way back in.", "Provisioning of keys when the container starts (lowered).", Files),
        new("CIR-030", "Accounts or sudoers changed", Severity.High, ["T1136.001"], "A way back in or up.", "Entry points that add a user (lowered within ten seconds of the start), packages (lowered).", Files),
        new("CIR-031", "Log-in modules changed", Severity.Critical, ["T1556.003"], "PAM and NSS see every password.", "Packages (lowered).", Files),
        new("CIR-032", "Scheduled task or service added", Severity.High, ["T1053.003", "T1543"], "It comes back by itself.", "Images whose entry point writes a crontab (lowered).", Files),
        new("CIR-033", "Start-up file of shells changed", Severity.Medium, ["T1546.004"], "It runs with the next log-in.", "Entry points that set PATH (lowered).", Files),
        new("CIR-034", "Web shell, or script added in a web root", Severity.High, ["T1505.003"], "It takes commands from requests. Without content in the bundle only place and time speak (lowered).", "Plug-ins and caches of content management systems: with content they are passed over.", Files),
        new("CIR-035", "Entry point or health check changed", Severity.High, ["T1525", "T1543.005"], "It runs with every start, or every few seconds.", "Entry points from templates (lowered within ten seconds of the start).", Files),
        new("CIR-036", "Packages installed at run time", Severity.Low, ["T1105"], "What the image was scanned for is not what runs.", "Entry points that install.", Files),
        new("CIR-037", "Offensive or reconnaissance tool", Severity.High, ["T1046", "T1613"], "These tools look for the next victim or the way out.", "Toolbox images that come with it (lowered).", Live),
        new("CIR-038", "Command that downloads and runs", Severity.High, ["T1105", "T1059.004"], "The first step of most automated attacks.", "The container's own command: install scripts (lowered).", Live),
        new("CIR-039", "Tunnel, proxy or Tor", Severity.High, ["T1090", "T1572"], "A way in and out past the firewall.", "VPN and proxy images (lowered).", Live),
        new("CIR-040", "Listener of a program added at run time", Severity.High, ["T1571"], "A door that the image does not have.", "Debug ports: netcat of the image is lowered, programs of the image are passed over.", Live),
        new("CIR-041", "Connection of an added program or a shell to a public address", Severity.Medium, ["T1071.001", "T1095"], "Who talks out with what was brought in, is being told what to do.", "Scheduled scripts.", Live),
        new("CIR-042", "Cloud metadata service asked", Severity.High, ["T1552.005"], "It hands out the machine's credentials.", "SDKs that use a role.", "Rotate the role's credentials after the capture."),
        new("CIR-043", "Secrets in the environment", Severity.Low, ["T1552.001"], "Whoever got in has them: this is the list to rotate. Names only.", "None: it is an inventory.", "Rotate each after the capture."),
        new("CIR-044", "Process dressed up as another", Severity.High, ["T1036"], "A name that looks like the kernel's, or hides where the program lies.", "Multi-call programs: passed over.", Live),
        new("CIR-045", "Program in a hidden or odd place", Severity.High, ["T1564.001"], "Hidden directories and names of blanks hide from people.", "Build caches (lowered); a program in /tmp alone is lowered too.", Files),
        new("CIR-046", "Packed program added", Severity.Medium, ["T1027.002"], "Packing hides what it is from people and scanners.", "Stripped Go programs: their bytes are not random, passed over. Packages (lowered).", Files),
        new("CIR-047", "Memory that is written and executed, or a deleted library", Severity.Medium, ["T1055", "T1620"], "Code that came from no file.", "Programs that compile at run time: passed over. Libraries upgraded by a package manager (lowered).", Live),
        new("CIR-048", "Process is being traced", Severity.Medium, ["T1055.008"], "A tracer reads and writes its memory.", "Debuggers.", Live),
        new("CIR-049", "Packet socket", Severity.Medium, ["T1040"], "It reads the traffic of the whole network namespace, passwords included.", "DHCP clients, keepalived, tcpdump of the image (lowered).", Live),
        new("CIR-050", "Kernel module", Severity.High, ["T1547.006", "T1014"], "A module owns the host.", "Storage and network plug-ins.", Escape),
        new("CIR-051", "Hidden process", Severity.Critical, ["T1014"], "The kernel counts it and does not list it: somebody changed the listing.", "A process that starts or ends meanwhile: only what is missing in three looks counts.", Escape),
        new("CIR-052", "Shell history switched off", Severity.Medium, ["T1070.003"], "Somebody does not want to be read.", "Hardened images: what the image sets is passed over.", Files),
        new("CIR-053", "Log removed or cut", Severity.High, ["T1070.002"], "Traces were removed.", "Log rotation: passed over where the rotated file stands beside it.", Files),
        new("CIR-054", "Times of a file do not fit together", Severity.Low, ["T1070.006"], "A program claims to be older than its inode.", "tar, pip and npm keep times.", Files),
        new("CIR-055", "File that cannot be changed", Severity.High, ["T1222.002"], "chattr keeps others, and you, from removing it.", "None common.", Files),
        new("CIR-056", "Security tool removed", Severity.High, ["T1562.001"], "Attackers remove what watches, and each other.", "None common.", Files),
        new("CIR-057", "Packet filter or names changed in the container", Severity.Medium, ["T1562.004"], "Updates, sensors or rivals are cut off.", "VPN images and service meshes (lowered where NET_ADMIN was given); names given by --add-host are passed over.", Live),
        new("CIR-058", "Interactive session by exec", Severity.Medium, ["T1609"], "Somebody is at a terminal in the container now.", "Administrators.", Live),
        new("CIR-059", "Image was committed from a container here", Severity.Medium, ["T1612", "T1525"], "What is in it was never in a registry, and nobody reviewed it.", "Hosts that build images (lowered).", "Find who made it: the host's engine events and shell histories. Compare its layers with the image below."),
        new("CIR-060", "Not the image that was to run", Severity.Medium, ["T1525", "T1036.005"], "The name is the same, the content is not.", "Rolling tags: without a record of the digest lowered.", "Compare both images; name the digest in the allow-list's known_images."),
        new("CIR-061", "Destruction or ransom", Severity.Critical, ["T1485", "T1486"], "Data is being made unreadable or removed.", "Backups, rotation and compaction: their endings are passed over. A note alone is lowered.", "Pause the container at once (cir contain), then acquire: keys may be in its memory."),
        new("CIR-062", "Restart storm", Severity.Info, ["T1499"], "Something kills it, or it cannot run.", "Bugs.", "Look at exit codes and logs."),
    ];

    /// <summary>What a container has and its baseline has not; asked for with a baseline only.</summary>
    public static IReadOnlyList<Rule> OfBaseline { get; } =
    [
        new("BASE-001", "Program the baseline did not run", Severity.Medium, ["T1059"], "The same image ran without it.", "Scheduled tasks, administrators, work the baseline was too short to see.", Live),
        new("BASE-002", "Listener the baseline did not have", Severity.Medium, ["T1571"], "A door that was not there.", "Debug ports; a server that was still starting.", Live),
        new("BASE-003", "Peer the baseline did not talk to", Severity.Low, ["T1071.001"], "The container talks to somebody new.", "Addresses behind names change.", Live),
        new("BASE-004", "File the baseline had not changed", Severity.Low, ["T1105"], "It was written, changed or removed since.", "Caches, temporary files, time.", Files),
    ];

    public static Rule Of(string id) => All.Concat(OfBaseline).First(rule => rule.Id == id);
}
