using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

/// <summary>
/// The engine on an OpenSSL that .NET does not use, as on Windows and macOS: a copy of the system's libraries with other sonames, so that the loader sees other
/// libraries. .NET uses its own in the same process.
/// </summary>
public class ForeignOpenSslTests
{
    [Fact]
    public async Task An_OpenSSL_that_NET_does_not_use_gets_copies_of_certificates_and_keys()
    {
        string? system = ((string[])["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib"]).FirstOrDefault(static d => File.Exists($"{d}/libssl.so.3"));
        Assert.SkipUnless(system is not null, "The system's OpenSSL was not found.");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-openssl-");
        try
        {
            foreach (string name in (string[])["libcrypto.so.3", "libssl.so.3"])
            {
                byte[] library = await File.ReadAllBytesAsync($"{system}/{name}");
                Rename(library, "libcrypto.so.3"u8, "libcryptX.so.3"u8);
                Rename(library, "libssl.so.3"u8, "libssX.so.3"u8);
                await File.WriteAllBytesAsync(Path.Combine(folder.FullName, name), library);
            }

            await ChildProcess.RunAsync(typeof(ForeignOpenSslTests).Assembly, Program.Success, [], "library", folder.FullName);
            await ChildProcess.RunAsync(typeof(ForeignOpenSslTests).Assembly, Program.Success, [], "library", Path.Combine(folder.FullName, "libssl.so.3"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The work of the test's process.</summary>
    internal static async Task UseAsync(string path)
    {
        TlsEngine.LibraryPath = path;
        TlsEngine.ThrowIfUnsupported();
        Assert.False(NativeLibraries.IsSharedWithDotNet);
        Assert.Throws<InvalidOperationException>(static () => TlsEngine.LibraryPath = "/elsewhere");
        foreach (SslProtocols version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            await new ClientCertificateTests().Valid_certificate_is_seen_by_the_server(version, isRequired: true);
            await new ClientCertificateTests().Callbacks_that_leave_errors_behind_do_no_harm(version);
            await new ServerCertificateTests().Unknown_root_is_refused_by_default(version);
            await new ServerCertificateTests().Intermediates_are_sent(version);
            await new ResumptionTests().Orderly_session_is_resumed_and_negotiates_the_extension_again(version);
            await new SslStreamTests().SslStream_as_client(version);
            await new SslStreamTests().SslStream_as_server(version);
            await new DataTests().Both_ends_read_and_write_at_once_on_sockets(version);
            await RsaAsync(version);
        }

        string maps = await File.ReadAllTextAsync("/proc/self/maps");
        string folder = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        foreach (string name in (string[])["libcrypto.so.3", "libssl.so.3"])
        {
            Assert.Contains(Path.Combine(folder, name), maps, StringComparison.Ordinal);
            Assert.Contains(maps.Split('\n'), line => line.EndsWith("/" + name, StringComparison.Ordinal) && !line.Contains(folder, StringComparison.Ordinal));
        }
    }

    private static async Task RsaAsync(SslProtocols version)
    {
        using TlsServerContext server = TlsTest.Server(version, static o => o.ServerCertificate = TestCertificates.RsaServer);
        using TlsClientContext client = TlsTest.Client(version);
        await using Pair pair = await TlsTest.ConnectAsync(client, server);
        Assert.Equal(TestCertificates.RsaServer, pair.Client.RemoteCertificate);
    }

    /// <summary>Replaces a name by another of the same length everywhere: in the soname, the names of needed libraries and their versions.</summary>
    private static void Rename(Span<byte> library, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        for (int at; (at = library.IndexOf(from)) >= 0; library = library[(at + from.Length)..])
        {
            to.CopyTo(library[at..]);
        }
    }
}
