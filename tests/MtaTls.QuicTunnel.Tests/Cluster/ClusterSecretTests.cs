using System.Text;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Cluster;

namespace MtaTls.QuicTunnel.Tests.Cluster;

public class ClusterSecretTests
{
    private const string Text = "a secret of the cluster, 32 bytes";

    // Another value here breaks a cluster whose nodes are updated one after another, and leaves clients of a restarted node without a reset.
    [Fact]
    public void Keys_are_those_of_all_versions()
    {
        using ClusterSecret secret = Load(new() { Secret = Text });
        Assert.Equal("66d1de7c91e94511434659b83d6ff1e44bd0a55ca9bf56a3913429490cd0a5b0", Convert.ToHexStringLower(secret.StatelessResetKey("gw-a")));
        Assert.Equal("a386c0fadb2784f7c9678809bd9b0c01651a8241519b4621bc346703e12e034e", Convert.ToHexStringLower(secret.RetryKey()));
    }

    [Fact]
    public void Each_node_and_each_use_has_a_key_of_its_own()
    {
        using ClusterSecret secret = Load(new() { Secret = Text }), other = Load(new() { Secret = Text + "." });
        byte[][] keys = [secret.StatelessResetKey("gw-a"), secret.StatelessResetKey("gw-b"), secret.StatelessResetKey("gw-a2"), secret.RetryKey(), other.StatelessResetKey("gw-a"), other.RetryKey()];
        Assert.Equal(keys.Length, keys.Select(Convert.ToHexString).Distinct().Count());
        Assert.Equal(secret.StatelessResetKey("gw-a"), secret.StatelessResetKey("gw-a"));
        Assert.All(keys, static key => Assert.Equal(32, key.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\r\n\r\n")]
    public void A_file_has_the_same_secret_whatever_ends_its_line(string end)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Encoding.UTF8.GetBytes(Text + end));
            using ClusterSecret fromFile = Load(new() { SecretPath = path }), fromText = Load(new() { Secret = Text });
            Assert.Equal(fromText.RetryKey(), fromFile.RetryKey());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ClusterSecret Load(TunnelClusterOptions options)
    {
        ErrorList errors = new();
        var secret = ClusterSecret.Load(options, "Cluster", errors);
        Assert.Empty(errors.All);
        return secret!;
    }
}
