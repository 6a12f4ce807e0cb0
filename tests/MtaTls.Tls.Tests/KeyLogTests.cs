using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

public class KeyLogTests
{
    public static TheoryData<SslProtocols> Versions => TlsTest.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Keys_are_appended_only_where_asked_for(SslProtocols version)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        string clientPath = path + ".client";
        try
        {
            using (TlsServerContext server = TlsTest.Server(version, o => o.KeyLogFile = path))
            using (TlsClientContext client = TlsTest.Client(version, o => o.KeyLogFile = clientPath))
            using (TlsServerContext silent = TlsTest.Server(version))
            {
                await using (Pair pair = await TlsTest.ConnectAsync(client, server))
                {
                }

                string[] lines = await File.ReadAllLinesAsync(path);
                Assert.Equal(lines.Order(), (await File.ReadAllLinesAsync(clientPath)).Order());
                Assert.All(lines, line => Assert.Matches("^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+$", line));
                Assert.Contains(lines, line => line.StartsWith(version == SslProtocols.Tls12 ? "CLIENT_RANDOM " : "CLIENT_TRAFFIC_SECRET_0 ", StringComparison.Ordinal));
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
                await using (Pair pair = await TlsTest.ConnectAsync(client, silent))
                {
                }

                Assert.Equal(lines.Length, (await File.ReadAllLinesAsync(path)).Length);
                Assert.Equal(lines.Length * 2, (await File.ReadAllLinesAsync(clientPath)).Length);
            }

            // Another context appends.
            using (TlsServerContext server = TlsTest.Server(version, o => o.KeyLogFile = path))
            using (TlsClientContext client = TlsTest.Client(version))
            {
                await using Pair pair = await TlsTest.ConnectAsync(client, server);
            }

            Assert.Equal((await File.ReadAllLinesAsync(clientPath)).Length, (await File.ReadAllLinesAsync(path)).Length);
        }
        finally
        {
            File.Delete(path);
            File.Delete(clientPath);
        }
    }

    [Fact]
    public void File_that_cannot_be_opened_is_said_at_once()
        => Assert.ThrowsAny<IOException>(() => TlsTest.Server(configure: o => o.KeyLogFile = "/nowhere/at/all/keys.log"));

    [Fact]
    public void SSLKEYLOGFILE_counts_where_the_switch_of_SslStream_is_on()
    {
        const string Switch = "System.Net.EnableSslKeyLogging", Variable = "SSLKEYLOGFILE";
        string? before = Environment.GetEnvironmentVariable(Variable);
        try
        {
            Environment.SetEnvironmentVariable(Variable, "/tmp/keys.log");
            Assert.Null(TlsEngine.EnvironmentKeyLogFile);
            AppContext.SetSwitch(Switch, true);
            Assert.Equal("/tmp/keys.log", TlsEngine.EnvironmentKeyLogFile);
            Environment.SetEnvironmentVariable(Variable, null);
            Assert.Null(TlsEngine.EnvironmentKeyLogFile);
        }
        finally
        {
            AppContext.SetSwitch(Switch, false);
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }
}
