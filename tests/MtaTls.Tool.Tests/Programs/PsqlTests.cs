using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>PostgreSQL's psql through <c>mtatls forward</c>, to a server behind the gateway and to one next to an agent.</summary>
public sealed class PsqlTests(Gateway gateway) : IClassFixture<Gateway>
{
    private const string User = "postgres";

    [Fact]
    public async Task Psql_goes_through_a_local_port_and_through_an_agent()
    {
        string? binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(static d => Path.Combine(d, "bin")).FirstOrDefault(static d => File.Exists(Path.Combine(d, "initdb")))
            : null;
        Assert.SkipWhen(binaries is null, "The server of PostgreSQL is not installed.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "The test starts the PostgreSQL server as another user, which needs root.");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-psql-");
        try
        {
            await RunAsync("chown", User, folder.FullName);
            string data = Path.Combine(folder.FullName, "data");
            await RunAsync("runuser", "-u", User, "--", Path.Combine(binaries!, "initdb"), "--pgdata", data, "--auth", "trust", "--username", User, "--no-sync", "--locale", "C");
            int port = FreePort.Find();
            string number = port.ToString(CultureInfo.InvariantCulture);
            await using var server = RunningProgram.Start(
                "setpriv", ["--reuid", User, "--regid", User, "--clear-groups", Path.Combine(binaries!, User), "-D", data, "-p", number, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]);
            await server.LineAsync(static line => line.Contains("ready to accept connections", StringComparison.Ordinal));

            await gateway.AddRouteAsync("db.internal", port);
            await using (RunningProgram direct = await ForwardAsync("db.internal", "5432"))
            {
                await UseAsync(direct, "one");
            }

            await using var agent = RunningProgram.Mtatls("tcp", number, "--name", "db.agents.internal", "--gateway", gateway.Address, "--cacert", gateway.Authority);
            await agent.LineAsync(line => line.Contains($"db.agents.internal:{number} at", StringComparison.Ordinal));
            await using RunningProgram through = await ForwardAsync("db.agents.internal", number);
            await UseAsync(through, "two");
            server.Signal("INT");
            await server.ExitAsync();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task<RunningProgram> ForwardAsync(string host, string port)
    {
        var forward = RunningProgram.Mtatls("forward", gateway.Address, "--cacert", gateway.Authority, "-L", $"0:{host}:{port}");
        await forward.LineAsync(static line => line.Contains(" -> ", StringComparison.Ordinal));
        return forward;
    }

    /// <summary>Writes and reads data, and causes an error of the server.</summary>
    private static async Task UseAsync(RunningProgram forward, string table)
    {
        string port = forward.Output.Split('\n').First(static line => line.Contains(" -> ", StringComparison.Ordinal)).Split(' ')[0].Split(':')[^1];
        string[] psql = ["-h", "127.0.0.1", "-p", port, "-U", User, "-v", "ON_ERROR_STOP=1", "-qAtX"];
        string rows = string.Concat(Enumerable.Range(0, 20_000).Select(static i => string.Create(CultureInfo.InvariantCulture, $"{i}\trow {i} of many\n")));
        (int code, string output) = await RunningProgram.RunAsync("psql", [.. psql, "-c", $"create table {table} (id int, words text)", "-c", $"copy {table} from stdin"], rows);
        Assert.True(code == 0, output);
        (code, output) = await RunningProgram.RunAsync("psql", [.. psql, "-c", $"copy (select * from {table} order by id) to stdout"]);
        Assert.True(code == 0, output);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(rows.Trim()))), Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(output.Trim()))));
        (code, output) = await RunningProgram.RunAsync("psql", [.. psql, "-c", "select * from nowhere"]);
        Assert.Equal(1, code);
        Assert.Contains("\"nowhere\" does not exist", output, StringComparison.Ordinal);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        (int code, string output) = await RunningProgram.RunAsync(program, arguments);
        Assert.True(code == 0, output);
    }
}
