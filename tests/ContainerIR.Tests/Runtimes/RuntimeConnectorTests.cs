using System.Net;
using System.Text;
using ContainerIR.Evidence;
using ContainerIR.Runtimes;
using ContainerIR.Tests.Some;
using Xunit;

namespace ContainerIR.Tests.Runtimes;

public sealed class An_engine_that_is_not_there
{
    [Fact]
    public void Is_named_with_the_socket_the_error_and_the_remedy()
    {
        OperatorException failure = Assert.Throws<OperatorException>(() => RuntimeConnector.Find("unix:///tmp/cir-no-such.sock"));
        Assert.Contains("/tmp/cir-no-such.sock", failure.Message, StringComparison.Ordinal);
        Assert.Contains("errno 2", failure.Message, StringComparison.Ordinal);
        Assert.Contains("DOCKER_HOST", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_told_apart_from_a_socket_nobody_listens_on()
    {
        string folder = Directory.CreateTempSubdirectory("cir-dead-").FullName;
        string path = Path.Combine(folder, "dead.sock");
        using (System.Net.Sockets.Socket socket = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified))
        {
            RealEngine.Run("python3", "-c", $"import socket; socket.socket(socket.AF_UNIX).bind('{path}')");
        }

        OperatorException failure = Assert.Throws<OperatorException>(() => RuntimeConnector.Find(path));
        Assert.Contains("no engine listens", failure.Remedy, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Is_told_apart_from_a_plain_file()
    {
        string path = Path.GetTempFileName();
        OperatorException failure = Assert.Throws<OperatorException>(() => RuntimeConnector.Find(path));
        Assert.Contains("not a socket", failure.Message, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Theory]
    [InlineData("ssh://root@host")]
    [InlineData("npipe:////./pipe/docker_engine")]
    [InlineData("relative/path.sock")]
    public void Is_refused_where_its_address_is_of_another_kind(string address) =>
        Assert.Throws<OperatorException>(() => RuntimeConnector.Find(address));
}

public sealed class A_socket_that_is_no_engine
{
    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("")]
    [InlineData("\0\0\0\u0001garbage")]
    public async Task Is_refused_with_words(string answer)
    {
        using FakeEngine fake = new(_ => Encoding.Latin1.GetBytes(answer));
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        OperatorException events = await Assert.ThrowsAsync<OperatorException>(() => runtime.CaptureEventsAsync(CancellationToken.None));
        Assert.Contains(fake.SocketPath, events.Message, StringComparison.Ordinal);
        await using IContainerRuntime second = RuntimeConnector.Find(fake.Endpoint);
        await Assert.ThrowsAsync<OperatorException>(() => second.ListAsync(CancellationToken.None));
    }
}

public sealed class An_engine_that_breaks
{
    private static readonly string Id = new('a', 64);

    [Fact]
    public async Task Is_asked_for_events_first_and_without_a_version()
    {
        using FakeEngine fake = new(path => path.StartsWith("/events", StringComparison.Ordinal) ? FakeEngine.Json("{}\n") : FakeEngine.Json("[]"));
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        Assert.StartsWith("/events?since=0&until=", Assert.Single(fake.Asked), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_the_events_it_gave_with_the_reason_where_it_stopped()
    {
        byte[] cut = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n");
        using FakeEngine fake = new(_ => cut);
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        Assert.NotNull(events.Error);
        Assert.Equal(3, events.SizeBytes);
    }

    [Fact]
    public async Task Speaks_no_newer_API_than_it_knows()
    {
        using FakeEngine fake = new(path => FakeEngine.Json(path.Contains("/containers", StringComparison.Ordinal) ? "[]" : "{}", headers: "Api-Version: 1.30\r\n"));
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        await runtime.ListAsync(CancellationToken.None);
        Assert.Contains(fake.Asked, path => path.StartsWith("/v1.30/containers/json", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Is_known_as_Podman_by_its_headers()
    {
        using FakeEngine fake = new(_ => FakeEngine.Json("", headers: "Api-Version: 1.41\r\nLibpod-API-Version: 4.3.1\r\nServer: Libpod/4.3.1 (linux)\r\n"));
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        await using EventBacklog events = await runtime.CaptureEventsAsync(CancellationToken.None);
        Assert.Equal("podman", runtime.Kind);
    }

    [Theory]
    [InlineData("[1,2]")]
    [InlineData("{\"Id\":7}")]
    [InlineData("not json")]
    [InlineData("{\"Id\":\"../../etc/passwd\"}")]
    public async Task Still_lists_a_container_it_does_not_describe(string inspect)
    {
        using FakeEngine fake = new(path => path switch
        {
            _ when path.EndsWith("/info", StringComparison.Ordinal) => FakeEngine.Json("{\"DockerRootDir\":\"/var/lib/docker\"}"),
            _ when path.Contains("/containers/json", StringComparison.Ordinal) =>
                FakeEngine.Json($$"""[{"Id":"{{Id}}","Names":["/linked/alias","/victim"],"Image":"app","State":"running","Created":1700000000}]"""),
            _ => FakeEngine.Json(inspect),
        });
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        ContainerSummary only = Assert.Single(await runtime.ListAsync(CancellationToken.None));
        Assert.Equal("victim", only.Container.Name);
        Assert.Equal("not-described", Assert.Single(only.Risks).Id);
        await Assert.ThrowsAsync<OperatorException>(() => runtime.ResolveAsync("victim", CancellationToken.None));
    }

    [Fact]
    public async Task Tells_its_own_words_of_refusal()
    {
        using FakeEngine fake = new(path => path.Contains("_ping", StringComparison.Ordinal) ? FakeEngine.Json("") : FakeEngine.Json("{\"message\":\"plugin \\u001b[31mbroken\"}", HttpStatusCode.InternalServerError));
        await using IContainerRuntime runtime = RuntimeConnector.Find(fake.Endpoint);
        IOException failure = await Assert.ThrowsAnyAsync<IOException>(() => runtime.OpenDocumentAsync(EngineDocument.Info, "", CancellationToken.None));
        Assert.Contains("500", failure.Message, StringComparison.Ordinal);
        Assert.Contains("plugin \\x1b[31mbroken", failure.Message, StringComparison.Ordinal);
    }
}
