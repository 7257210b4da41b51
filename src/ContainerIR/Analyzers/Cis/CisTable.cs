using System.Globalization;
using System.Text.Json;
using ContainerIR.Evidence.Text;
using ContainerIR.Rows;

namespace ContainerIR.Analyzers.Cis;

/// <summary>The per-container and per-host checks a responder needs, from the engine's documents in the bundle.</summary>
internal static class CisTable
{
    private const int MaxValue = 300;
    private const string NotRead = "not read";

    private static readonly string[] SensitiveSources = ["/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/root", "/home", "/var/lib/docker", "/run", "/var/run"];

    public static IReadOnlyList<CisRow> Of(Scene scene, CancellationToken ct)
    {
        List<CisRow> rows = [.. OfContainer(scene, ct)];
        rows.AddRange(OfHost(scene));
        return rows;
    }

    private static IEnumerable<CisRow> OfContainer(Scene scene, CancellationToken ct)
    {
        JsonElement inspect = scene.Inspect, host = inspect.Object("HostConfig"), configuration = inspect.Object("Config");
        FindingPlace? place = inspect.ValueKind == JsonValueKind.Object ? scene.InspectPlace : null;
        CisRow Row(string id, string title, string feeds, Func<(string? Value, bool? Differs)> read) => Make(id, title, feeds, place, read);
        CisRow Mode(string id, string title, string feeds, string field) => Row(id, title, feeds, () => (Shown(host.Text(field)), host.Text(field) == "host"));
        CisRow Limit(string id, string title, string field) => Row(id, title, "CIR-003: what a miner could take", () => (host.Number(field) is > 0 and var limit ? Number(limit) : "none", host.Number(field) is not > 0));

        yield return Row("4.1", "User of the image", "CIR-027: who root would be", () => (Shown(configuration.Text("User"), "root"), configuration.Text("User") is null or "" or "0" or "root"));
        yield return Row("5.2", "AppArmor profile", "CIR-012", () => (Shown(inspect.Text("AppArmorProfile"), "none"), inspect.Text("AppArmorProfile") is null or "" or "unconfined"));
        yield return Row("5.3", "SELinux label", "CIR-012", () => (Shown(inspect.Text("ProcessLabel"), "none"), inspect.Text("ProcessLabel") is null or ""));
        yield return Row("5.4", "Capabilities", "CIR-021, CIR-011", () => ($"added {List(host.Texts("CapAdd"))}; dropped {List(host.Texts("CapDrop"))}", host.Texts("CapAdd").Count > 0));
        yield return Row("5.5", "Privileged", "CIR-020", () => (YesNo(host.Flag("Privileged")), host.Flag("Privileged")));
        string[] sensitive = [.. inspect.Items("Mounts").Where(mount => mount.Text("Type") == "bind" && SensitiveSources.Contains(mount.Text("Source"))).Select(mount => $"{mount.Text("Source")} ({(mount.Flag("RW") ? "rw" : "ro")})")];
        yield return Row("5.6", "Sensitive directories of the host mounted", "CIR-022", () => (List(sensitive), sensitive.Length > 0));
        SeenProcess? sshd = scene.Processes.FirstOrDefault(process => process.Role is "sshd" or "dropbear");
        yield return Make("5.7", "SSH server in the container", "CIR-040", sshd?.Place ?? place, () => (sshd is null ? "none seen" : $"pid {Number(sshd.Pid)} {sshd.ExecutableLink}", sshd is not null));
        string[] ports = [.. host.Members("PortBindings").SelectMany(port => (port.Value.ValueKind == JsonValueKind.Array ? port.Value.EnumerateArray().ToArray() : []).Select(binding => (Port: JsonFields.NameOf(port), Ip: binding.Text("HostIp") ?? "", Host: binding.Text("HostPort") ?? "")))
            .Select(each => $"{(each.Ip.Length == 0 ? "0.0.0.0" : each.Ip)}:{each.Host}->{each.Port}")];
        yield return Row("5.8", "Published ports below 1024", "CIR-040", () => (List(ports), ports.Any(port => int.TryParse(port.Split("->")[0].Split(':')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and < 1024)));
        string[] listening = [.. Listeners(scene, ct)];
        yield return Row("5.9", "Listening in the container", "CIR-040: against the published ones", () => (List(listening), null));
        yield return Mode("5.10", "Network of the host", "CIR-023; decides how to isolate", "NetworkMode");
        yield return Limit("5.11", "Memory limit", "Memory");
        yield return Row("5.12", "CPU shares", "CIR-003: what a miner could take", () => (host.Number("NanoCpus") is > 0 and var nano ? $"{nano / 1e9:0.##} CPUs" : host.Number("CpuShares") is > 0 and var shares ? $"{shares} shares" : "none", host.Number("NanoCpus") is not > 0 && host.Number("CpuShares") is not > 0));
        yield return Row("5.13", "Read-only root file system", "drift only in volumes and tmpfs then", () => (YesNo(host.Flag("ReadonlyRootfs")), !host.Flag("ReadonlyRootfs")));
        yield return Row("5.14", "Published on every address", "CIR-040", () => (List(ports.Where(port => port.StartsWith("0.0.0.0:", StringComparison.Ordinal) || port.StartsWith(":::", StringComparison.Ordinal))), ports.Any(port => port.StartsWith("0.0.0.0:", StringComparison.Ordinal) || port.StartsWith(":::", StringComparison.Ordinal))));
        yield return Row("5.15", "Restart policy", "hold it before anything is killed", () => (Shown(host.Object("RestartPolicy").Text("Name"), "no"), host.Object("RestartPolicy").Text("Name") is "always" or "unless-stopped"));
        yield return Mode("5.16", "Processes of the host", "CIR-023", "PidMode");
        yield return Mode("5.17", "IPC of the host", "CIR-023", "IpcMode");
        yield return Row("5.18", "Devices of the host", "CIR-022", () => (List(host.Items("Devices").Select(device => device.Text("PathOnHost") ?? "")), host.Items("Devices").Any()));
        string[] shared = [.. inspect.Items("Mounts").Where(mount => mount.Text("Propagation") is "shared" or "rshared").Select(mount => mount.Text("Source") ?? "")];
        yield return Row("5.20", "Mounts that propagate to the host", "CIR-022", () => (List(shared), shared.Length > 0));
        yield return Mode("5.21", "UTS of the host", "CIR-023", "UTSMode");
        yield return Row("5.22", "System call filter", "CIR-012", () => (Shown(host.Texts("SecurityOpt").Find(option => option.StartsWith("seccomp", StringComparison.Ordinal)), "the engine's default"), host.Texts("SecurityOpt").Contains("seccomp=unconfined") || host.Texts("SecurityOpt").Contains("seccomp:unconfined")));
        SeenProcess[] sessions = [.. scene.Processes.Where(process => process.Has("engine-exec"))];
        yield return Make("5.23", "Processes started by exec", "CIR-011, CIR-058", sessions is [var first, ..] ? first.Place : place, () => (List(sessions.Select(process => $"pid {Number(process.Pid)} {process.CommandLine}")), null));
        yield return Row("5.25", "Cgroup parent", "CIR-014", () => (Shown(host.Text("CgroupParent"), "the engine's default"), host.Text("CgroupParent") is { Length: > 0 }));
        bool isHeld = host.Texts("SecurityOpt").Exists(option => option.StartsWith("no-new-privileges", StringComparison.Ordinal) && !option.EndsWith("false", StringComparison.Ordinal));
        yield return Row("5.26", "No new privileges", "CIR-012, CIR-027", () => (YesNo(isHeld), !isHeld));
        yield return Row("5.27", "Health check", "turns unhealthy when paused", () => (List(configuration.Object("Healthcheck").Texts("Test")), configuration.Object("Healthcheck").Texts("Test").Count == 0));
        yield return Row("5.28", "Image named by digest", "CIR-060", () => (Shown(configuration.Text("Image")), configuration.Text("Image")?.Contains("@sha256:", StringComparison.Ordinal) != true));
        yield return Limit("5.29", "Process limit", "PidsLimit");
        yield return Row("5.30", "Default bridge", "reach to its neighbours", () => (Shown(host.Text("NetworkMode")), host.Text("NetworkMode") is "default" or "bridge"));
        yield return Mode("5.31", "User namespace of the host", "CIR-023", "UsernsMode");
        string[] sockets = [.. inspect.Items("Mounts").Select(mount => mount.Text("Source") ?? "").Where(source => source.EndsWith("docker.sock", StringComparison.Ordinal) || source.EndsWith("containerd.sock", StringComparison.Ordinal))];
        yield return Row("5.32", "Socket of the engine mounted", "CIR-018, CIR-019", () => (List(sockets), sockets.Length > 0));
    }

    private static IEnumerable<CisRow> OfHost(Scene scene)
    {
        (JsonElement engine, FindingPlace enginePlace) = Document(scene, "host-context", "engine.json");
        (JsonElement info, FindingPlace infoPlace) = Document(scene, "configuration", "info.json");
        (JsonElement inventory, FindingPlace inventoryPlace) = Document(scene, "host-context", "inventory.json");
        (JsonElement settings, FindingPlace settingsPlace) = Document(scene, "host-context", "engine/daemon.json");
        FindingPlace? atEngine = engine.ValueKind == JsonValueKind.Object ? enginePlace : null, atInfo = info.ValueKind == JsonValueKind.Object ? infoPlace : null;
        FindingPlace? atInventory = inventory.ValueKind == JsonValueKind.Object ? inventoryPlace : null;
        List<string> arguments = engine.Texts("arguments");
        // What is set in neither place has the engine's default; that is only known where the arguments were read.
        string? Setting(string option, string key)
        {
            string? given = arguments.Find(argument => argument == "--" + option || argument.StartsWith($"--{option}=", StringComparison.Ordinal));
            int at = given is null ? -1 : arguments.IndexOf(given);
            return given?.Contains('=', StringComparison.Ordinal) == true ? given[(given.IndexOf('=', StringComparison.Ordinal) + 1)..]
                : given is not null ? at + 1 < arguments.Count && !arguments[at + 1].StartsWith('-') ? arguments[at + 1] : "true"
                : settings.Field(key)?.ToString();
        }

        CisRow Row(string id, string title, string feeds, FindingPlace? place, Func<(string? Value, bool? Differs)> read) => Make(id, title, feeds, place, read);
        FindingPlace? AtSetting(string key) => settings.Field(key) is not null ? settingsPlace : atEngine;
        CisRow Option(string id, string title, string feeds, string option, string key, string otherwise, Func<string, bool?> differs) =>
            Row(id, title, feeds, AtSetting(key), () => (Shown(Setting(option, key), otherwise), differs(Setting(option, key) ?? otherwise)));

        yield return Row("1.1.2", "Who may command the engine (group docker)", "CIR-058: whose session it may be", atEngine, () => (List(engine.Texts("users_who_may_command_it")), null));
        yield return Row("1.2.2", "Version of the engine", "known faults of it", atEngine ?? atInfo, () => (Shown(engine.Text("version") ?? info.Text("ServerVersion")), null));
        List<string> security = info.ValueKind == JsonValueKind.Object ? info.Texts("SecurityOptions") : engine.Texts("security_options");
        bool Has(string word) => security.Exists(option => option.Contains(word, StringComparison.Ordinal));
        yield return Row("2.1", "Engine without root", "what an escape would be", atInfo ?? atEngine, () => (YesNo(Has("rootless")), !Has("rootless")));
        JsonElement? bridge = inventory.Items("networks").Select(network => (JsonElement?)network).FirstOrDefault(network => network!.Value.Text("name") == "bridge");
        yield return Row("2.2", "Traffic between containers of the default bridge", "lateral movement", atInventory, () => (Shown(bridge?.Text("between_containers"), "allowed"), bridge?.Text("between_containers") != "false"));
        yield return Option("2.3", "Log level of the engine", "how much its journal has", "log-level", "log-level", "info", value => value.Trim('"') != "info");
        yield return Option("2.4", "Engine sets iptables", "how to isolate", "iptables", "iptables", "true", value => value.Equals("false", StringComparison.OrdinalIgnoreCase));
        string[] insecure = [.. info.Object("RegistryConfig").Texts("InsecureRegistryCIDRs").Where(network => network is not "127.0.0.0/8" and not "::1/128")];
        yield return Row("2.5", "Registries without TLS", "CIR-060", atInfo, () => (List(insecure), insecure.Length > 0));
        yield return Row("2.7", "API by TCP, and its TLS", "CIR-025", atEngine, () => ($"by TCP: {YesNo(engine.Flag("listens_on_tcp"))}; TLS: {YesNo(engine.Flag("tls"))}", engine.Flag("listens_on_tcp") && !engine.Flag("tls")));
        yield return Row("2.9", "User namespaces", "what an escape would be", atInfo ?? atEngine, () => (YesNo(Has("userns")), !Has("userns")));
        yield return Row("2.12", "Authorisation plug-in", "who may have asked the engine", atInfo, () => (List(info.Object("Plugins").Texts("Authorization")), info.Object("Plugins").Texts("Authorization").Count == 0));
        yield return Row("2.13", "Logging driver", "where another copy of the logs is", atInfo ?? atEngine, () => (Shown(info.Text("LoggingDriver") ?? engine.Text("logging_driver")), (info.Text("LoggingDriver") ?? engine.Text("logging_driver")) is "json-file" or "local"));
        bool isLive = info.Flag("LiveRestoreEnabled") || engine.Flag("live_restore");
        yield return Row("2.15", "Live restore", "whether the engine can be restarted without killing containers", atInfo ?? atEngine, () => (YesNo(isLive), !isLive));
        yield return Option("2.16", "Proxy of published ports", "hides clients from the container, passes the FORWARD chain", "userland-proxy", "userland-proxy", "true", value => !value.Equals("false", StringComparison.OrdinalIgnoreCase));
        string[] tampered = [.. engine.Items("programs").Where(program => program.Text("state")?.StartsWith("as ", StringComparison.Ordinal) != true).Select(program => $"{program.Text("path")}: {program.Text("state") ?? program.Text("error")}")];
        yield return Row("3", "Programs of the engine that are not as packaged", "CIR-017", atEngine, () => (List(tampered), tampered.Length > 0));
        yield return Row("7.1", "Swarm", "after a manager: rotate join tokens and unlock key", atInfo, () => (Shown(info.Object("Swarm").Text("LocalNodeState"), "inactive"), info.Object("Swarm").Text("LocalNodeState") is not (null or "inactive")));
    }

    private static (JsonElement Root, FindingPlace Place) Document(Scene scene, string collector, string name) =>
        scene.Record.Items.Any(item => item.Collector == collector && item.Path.EndsWith("/" + name, StringComparison.Ordinal)) ? scene.ReadDocument(collector, $"{collector}/{name}", name) : (default, new FindingPlace(""));

    private static CisRow Make(string id, string title, string feeds, FindingPlace? place, Func<(string? Value, bool? Differs)> read)
    {
        if (place is null)
        {
            return new CisRow(id, title, NotRead, null, feeds, null);
        }

        (string? value, bool? differs) = read();
        return new CisRow(id, title, value is null ? NotRead : DisplayText.Shorten(value, MaxValue), value is null ? null : differs, feeds, place);
    }

    private static IEnumerable<string> Listeners(Scene scene, CancellationToken ct)
    {
        const int most = 50;
        return scene.Sockets(ct).Where(socket => socket.Row is { Protocol: "tcp", State: "LISTEN", IsHostSide: false } && socket.Row.Owners.Any(owner => owner.IsMember))
            .Select(socket => $"{socket.Row.LocalAddress}:{socket.Row.LocalPort.ToString(CultureInfo.InvariantCulture)}").Distinct().Take(most);
    }

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Shown(string? text, string otherwise = "none") => text is { Length: > 0 } ? text : otherwise;

    private static string List(IEnumerable<string> texts) => string.Join(", ", texts) is { Length: > 0 } list ? list : "none";
}
