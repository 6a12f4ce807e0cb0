using System.Globalization;
using System.Security.Authentication;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>
/// The machine's TLS policy (<c>system_default</c> in OpenSSL's configuration file) applies to the engine as it does to SslStream. Each case runs in its own process,
/// whose OPENSSL_CONF names a file with the policy. There <see cref="PolicyComparison"/> compares the two.
/// </summary>
public class MachinePolicyTests
{
    [Theory]
    [InlineData("")]
    [InlineData("MinProtocol = TLSv1.3")]
    [InlineData("MaxProtocol = TLSv1.2")]
    [InlineData("Protocol = -ALL,TLSv1.3")]
    [InlineData("Protocol = ALL,-TLSv1.3")]
    [InlineData("Groups = P-384")]
    [InlineData("Groups = P-521:P-256")]
    [InlineData("Curves = X448:ffdhe2048:P-256")]
    [InlineData("Ciphersuites = TLS_CHACHA20_POLY1305_SHA256")]
    [InlineData("Ciphersuites = TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384")]
    [InlineData("CipherString = ECDHE-ECDSA-AES256-GCM-SHA384")]
    [InlineData("CipherString = ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:AES128-SHA")]
    [InlineData("CipherString = AES128-GCM-SHA256")]
    [InlineData("CipherString = DEFAULT:@SECLEVEL=3")]
    [InlineData("CipherString = DEFAULT:@SECLEVEL=4")]
    [InlineData("SignatureAlgorithms = ECDSA+SHA384:RSA+SHA256")]
    [InlineData("MinProtocol = TLSv1.3", "Groups = P-256", "Ciphersuites = TLS_AES_256_GCM_SHA384")]
    public Task What_the_engine_negotiates_is_what_SslStream_negotiates(params string[] policy) => RunAsync(policy, "compare", "None");

    /// <summary>As with SslStream, versions that the application sets override MinProtocol and MaxProtocol, and nothing else of the policy.</summary>
    [Theory]
    [InlineData("Tls12, Tls13", "MinProtocol = TLSv1.3")]
    [InlineData("Tls13", "MaxProtocol = TLSv1.2")]
    [InlineData("Tls12, Tls13", "Protocol = ALL,-TLSv1.2")]
    [InlineData("Tls12", "MinProtocol = TLSv1.3", "Groups = P-384", "CipherString = ECDHE-ECDSA-AES256-GCM-SHA384")]
    public Task Versions_that_the_application_names_count_as_they_do_for_SslStream(string versions, params string[] policy) => RunAsync(policy, "compare", versions);

    /// <summary>When the policy allows nothing that the engine supports, no context can be created for a server or a client, and the message has the reason.</summary>
    [Theory]
    [InlineData("Groups = ffdhe2048:ffdhe3072")]
    [InlineData("MaxProtocol = TLSv1.1")]
    [InlineData("MaxProtocol = TLSv1.2", "CipherString = AES128-GCM-SHA256")]
    [InlineData("Protocol = ALL,-TLSv1.2,-TLSv1.3")]
    public Task A_policy_that_leaves_the_engine_nothing_is_an_error(params string[] policy) => RunAsync(policy, "nothing", "None");

    private static async Task RunAsync(string[] policy, string what, string versions)
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, string.Join('\n', [
                "openssl_conf = init", "[init]", "ssl_conf = ssl", "[ssl]", "system_default = policy", "[policy]", .. policy, ""]));
            await ChildProcess.RunAsync(
                typeof(MachinePolicyTests).Assembly, Program.Success, new Dictionary<string, string> { ["OPENSSL_CONF"] = file },
                "policy", what, versions, policy.Any(static p => p.StartsWith("CipherString", StringComparison.Ordinal)).ToString(CultureInfo.InvariantCulture));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
