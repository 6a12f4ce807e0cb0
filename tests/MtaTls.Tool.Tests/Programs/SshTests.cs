using System.Globalization;
using System.Security.Cryptography;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>ssh through <c>mtatls connect</c>, to a server behind the gateway and to one next to an agent, and git over ssh and over the proxy port.</summary>
public sealed class SshTests(Gateway gateway) : IClassFixture<Gateway>
{
    [Fact]
    public async Task Ssh_and_git_go_through_connect_and_git_goes_through_the_proxy_port()
    {
        string folder = await KeysAsync("ssh");
        (RunningProgram sshd, int port) = await StartServerAsync(folder);
        await using RunningProgram _ = sshd;
        await gateway.AddRouteAsync("ssh.internal", port);

        string[] options = Options(folder);
        await UseAsync([.. options, "-o", Proxy, "root@ssh.internal"]);

        string repository = Path.Combine(folder, "repository");
        Assert.Equal(0, (await RunningProgram.RunAsync("git", ["init", "-q", repository])).ExitCode);
        await File.WriteAllTextAsync(Path.Combine(repository, "file"), "content");
        Assert.Equal(0, (await RunningProgram.RunAsync("git", ["add", "."], folder: repository)).ExitCode);
        Assert.Equal(0, (await RunningProgram.RunAsync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "one"], folder: repository)).ExitCode);
        string ssh = "ssh " + string.Join(' ', options.Append("-o").Append($"'{Proxy}'"));
        (int code, string output) = await RunningProgram.RunAsync("git", ["clone", "-q", $"ssh://root@ssh.internal{repository}", Path.Combine(folder, "one")], environment: new Dictionary<string, string> { ["GIT_SSH_COMMAND"] = ssh });
        Assert.True(code == 0, output);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(folder, "one", "file")));

        await GitOverProxyAsync(folder, repository);
    }

    [Fact]
    public async Task Ssh_goes_through_an_agents_forward()
    {
        string folder = await KeysAsync("agent-ssh");
        (RunningProgram sshd, int port) = await StartServerAsync(folder);
        await using RunningProgram _ = sshd;
        string name = "ssh.agents.internal", number = port.ToString(CultureInfo.InvariantCulture);
        await using var agent = RunningProgram.Mtatls("tcp", number, "--name", name, "--gateway", gateway.Address, "--cacert", gateway.Authority);
        await agent.LineAsync(line => line.Contains($"{name}:{number} at", StringComparison.Ordinal));
        await UseAsync([.. Options(folder), "-p", number, "-o", Proxy, $"root@{name}"]);
    }

    private string Proxy => $"ProxyCommand={RunningProgram.MtatlsCommandLine} connect {gateway.Address} %h:%p --cacert {gateway.Authority}";

    private static string[] Options(string folder) =>
        ["-F", "/dev/null", "-i", Path.Combine(folder, "user"), "-o", "StrictHostKeyChecking=no", "-o", $"UserKnownHostsFile={Path.Combine(folder, "known")}", "-o", "LogLevel=ERROR"];

    /// <summary>Runs a command with much output, and another with input.</summary>
    private static async Task UseAsync(string[] login)
    {
        (int code, string output) = await RunningProgram.RunAsync("ssh", [.. login, "head -c 2000000 /dev/zero | sha256sum"]);
        Assert.True(code == 0, output);
        Assert.StartsWith(Convert.ToHexStringLower(SHA256.HashData(new byte[2_000_000])), output, StringComparison.Ordinal);
        Assert.Equal((0, "3"), await RunningProgram.RunAsync("ssh", [.. login, "wc -l"], "a\nb\nc\n"));
    }

    /// <summary>Creates a folder with the keys of a server and a user.</summary>
    private async Task<string> KeysAsync(string name)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/sshd"), "sshd is not installed.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "The test's ssh server needs root.");
        string folder = Directory.CreateDirectory(Path.Combine(gateway.Folder, name)).FullName;
        foreach (string key in (string[])["host", "user"])
        {
            (int made, string text) = await RunningProgram.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, key)]);
            Assert.True(made == 0, text);
        }

        return folder;
    }

    private static async Task<(RunningProgram Server, int Port)> StartServerAsync(string folder)
    {
        int port = FreePort.Find();
        Directory.CreateDirectory("/run/sshd");
        var sshd = RunningProgram.Start("/usr/sbin/sshd", ["-D", "-e", "-f", "/dev/null", "-p", port.ToString(CultureInfo.InvariantCulture), "-h", Path.Combine(folder, "host"),
            "-o", "ListenAddress=127.0.0.1", "-o", $"AuthorizedKeysFile={Path.Combine(folder, "user.pub")}", "-o", "StrictModes=no", "-o", "PermitRootLogin=yes", "-o", "PidFile=none", "-o", "UsePAM=no"]);
        await sshd.LineAsync(static line => line.Contains("Server listening", StringComparison.Ordinal));
        return (sshd, port);
    }

    private async Task GitOverProxyAsync(string folder, string repository)
    {
        int port = FreePort.Find();
        await using var daemon = RunningProgram.Start(
            "git", ["daemon", "--verbose", "--export-all", $"--base-path={folder}", "--listen=127.0.0.1", $"--port={port}", "--reuseaddr", repository]);
        await daemon.LineAsync(static line => line.Contains("Ready to rumble", StringComparison.Ordinal));
        await gateway.AddRouteAsync("git.internal", port);
        await using var forward = RunningProgram.Mtatls("forward", gateway.Address, "--cacert", gateway.Authority, "-L", "0:git.internal:9418");
        string local = (await forward.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal))).Split(' ')[0];
        (int code, string output) = await RunningProgram.RunAsync("git", ["clone", "-q", $"git://{local}/repository", Path.Combine(folder, "two")]);
        Assert.True(code == 0, output);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(folder, "two", "file")));
    }
}
