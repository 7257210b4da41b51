using ContainerIR.Evidence.Keys;
using ContainerIR.Tests.Bundles;
using ContainerIR.Tests.Some;

namespace ContainerIR.Tests.Keys;

/// <summary>A SoftHSM2 token with one P-256 key of id 01 (Debian: softhsm2, opensc).</summary>
internal sealed class SomeToken
{
    public const string Pin = "582763";
    public const string Module = "/usr/lib/softhsm/libsofthsm2.so";

    private readonly string wrapper;

    public SomeToken(TemporaryFolder folder)
    {
        string tokens = Directory.CreateDirectory(Path.Combine(folder.Path, "tokens")).FullName;
        string configuration = Path.Combine(folder.Path, "softhsm2.conf");
        File.WriteAllText(configuration, $"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n");

        // Each test has its own token; the environment of the test process is shared. So the tool is given its configuration by a wrapper,
        // which also writes down the arguments it got.
        wrapper = Path.Combine(folder.Path, "pkcs11-tool");
        Arguments = Path.Combine(folder.Path, "arguments");
        File.WriteAllText(wrapper, $"#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{Arguments}'\nSOFTHSM2_CONF='{configuration}' exec pkcs11-tool \"$@\"\n");
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        RealEngine.Run("sh", "-c", $"SOFTHSM2_CONF='{configuration}' softhsm2-util --init-token --free --label lab --so-pin 12345678 --pin {Pin}");
        Tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "seal");
    }

    public string Arguments { get; }

    public Pkcs11Options Options => new(Module, "lab", "01") { ToolPath = wrapper };

    public void Tool(params string[] arguments) => RealEngine.Run(wrapper, ["--module", Module, "--token-label", "lab", "--login", "--pin", Pin, .. arguments]);
}
