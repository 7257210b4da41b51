using System.CommandLine;
using ContainerIR.Collectors;
using ContainerIR.Collectors.Traffic;
using ContainerIR.Evidence;

namespace ContainerIR.Cli.Commands;

/// <summary>The options of <c>cir acquire</c> for memory, standstill and traffic.</summary>
internal sealed class VolatileOptions
{
    private readonly Option<string?> memory = new("--memory")
    {
        Description = "Whose memory is copied: nobody's, that of processes with signs of planted code (deleted, memory-only or added executables, writable "
            + "code), or everybody's. Default: all in profile full, else none.",
        HelpName = "none|implants|all",
    };

    private readonly Option<string> freeze = new("--freeze")
    {
        Description = "Whether the container stands still while its memory is copied. auto: unless something would restart it meanwhile. Health checks fail during "
            + "a standstill, and what acts on them (autoheal, an orchestrator) may restart it: always takes that risk.",
        HelpName = "auto|never|always",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<bool> freezeFiles = new("--freeze-files")
    {
        Description = "Hold it still while its changed files are copied too: no file changes while it is read. As --freeze says; for as long as the copy takes, at most five minutes.",
    };

    private readonly Option<string?> pcap = new("--pcap")
    {
        Description = "Record the container's traffic for so long, into at most so many megabytes. Default: 10 seconds in profile full, else none.",
        HelpName = "SECONDS[,MB]",
    };

    public VolatileOptions()
    {
        memory.AcceptOnlyFromAmong("none", "implants", "all");
        freeze.AcceptOnlyFromAmong("auto", "never", "always");
    }

    public void AddTo(Command command)
    {
        command.Add(memory);
        command.Add(freeze);
        command.Add(freezeFiles);
        command.Add(pcap);
    }

    public VolatileChoices Read(ParseResult parsed)
    {
        var policy = Enum.Parse<FreezePolicy>(parsed.GetRequiredValue(freeze), ignoreCase: true);
        return policy == FreezePolicy.Never && parsed.GetValue(freezeFiles)
            ? throw new OperatorException("--freeze never and --freeze-files contradict each other.", "Leave one of them out.")
            : new()
            {
                Memory = parsed.GetValue(memory) is { } scope ? Enum.Parse<MemoryScope>(scope, ignoreCase: true) : null,
                Freeze = policy,
                FreezeFiles = parsed.GetValue(freezeFiles),
                Traffic = parsed.GetValue(pcap) is { } traffic ? TrafficOptions.Parse(traffic) : null,
            };
    }
}
