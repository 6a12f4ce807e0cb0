// A local CONNECT proxy: connections of a browser (or curl -x) through it become channels of one TLS session to a gateway.
//   dotnet run -c Release --project samples/ConnectProxy -- gateway.example 8443 3128
//   chromium --proxy-server=http://127.0.0.1:3128 --proxy-bypass-list="<-loopback>"
// Without --proxy-bypass-list="<-loopback>" Chromium uses no proxy for localhost and 127.0.0.1.
using System.CommandLine;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Client;
using MtaTls.Samples;

var host = new Argument<string>("gateway") { Description = "The gateway's host name or IP address." };
var gatewayPort = new Argument<ushort>("gateway-port") { Description = "The gateway's port." };
var localPort = new Argument<ushort>("port") { Description = "The local port to listen on." };
var insecure = new Option<bool>("--insecure") { Description = "Accept any certificate of the gateway. For development servers only." };
var authority = new Option<FileInfo>("--authority") { Description = "A PEM file with the authorities that must have issued the gateway's certificate." };
var terminate = new Option<bool>("--terminate-tls")
{
    Description = "Terminate the browser's TLS here, so that channels carry HTTP for an application behind UseMtaTls(). "
        + "Without it channels carry the browser's own TLS, and a Tcp route of the gateway connects them to their destinations.",
};
var certificate = new Option<FileInfo>("--certificate") { Description = "With --terminate-tls: the certificate for all names, as PFX or PEM. Default: this run's own authority signs one for each name." };
var key = new Option<FileInfo>("--key") { Description = "The private key of --certificate, as PEM, if it is not in the same file." };
var password = new Option<string?>("--password") { Description = "The password of --certificate's PFX file." };
var export = new Option<FileInfo>("--export-authority") { Description = "With --terminate-tls: write the certificate of this run's authority to a PEM file, for clients to trust (curl --cacert FILE)." };
var root = new RootCommand("A local CONNECT proxy whose tunnels are channels of one TLS session.")
{
    host, gatewayPort, localPort, insecure, authority, terminate, certificate, key, password, export,
};
authority.AcceptExistingOnly();
certificate.AcceptExistingOnly();
key.AcceptExistingOnly();
root.Validators.Add(result =>
{
    bool given = result.GetValue(certificate) is not null;
    if (!result.GetValue(terminate) && (given || result.GetValue(export) is not null))
    {
        result.AddError("--certificate and --export-authority need --terminate-tls.");
    }
    else if (given && result.GetValue(export) is not null)
    {
        result.AddError("--export-authority can't be used with --certificate, because there is no authority to export.");
    }
    else if (!given && (result.GetValue(key) is not null || result.GetValue(password) is not null))
    {
        result.AddError("--key and --password need --certificate.");
    }
});
root.SetAction(RunAsync);
return await root.Parse(args).InvokeAsync();

async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
{
    var options = new MtaTlsClientOptions
    {
        Host = parsed.GetRequiredValue(host),
        Port = parsed.GetValue(gatewayPort),
        Mode = MtaTlsClientMode.Required,
        AuthorityPath = parsed.GetValue(authority)?.FullName,
    };
#pragma warning disable CA5359 // Only with the option --insecure.
    if (parsed.GetValue(insecure))
    {
        options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
    }
#pragma warning restore CA5359

    using var local = new LocalAuthority();
    Func<string, X509Certificate2>? certificates = null;
    string step = "Cannot start";
    try
    {
        if (parsed.GetValue(terminate))
        {
            options.ApplicationProtocols = [SslApplicationProtocol.Http11];
            certificates = local.CertificateFor;
            if (parsed.GetValue(certificate) is { } file)
            {
                step = $"Cannot load the certificate {file.FullName}";
                X509Certificate2 given = Load(file.FullName, parsed.GetValue(key)?.FullName, parsed.GetValue(password));
                certificates = _ => given;
            }
            else
            {
                Console.WriteLine($"Chromium accepts this run's certificates with --ignore-certificate-errors-spki-list={local.SpkiHash}");
                if (parsed.GetValue(export) is { } pem)
                {
                    step = $"Cannot write {pem.FullName}";
                    await File.WriteAllTextAsync(pem.FullName, local.Certificate.ExportCertificatePem(), stop);
                    Console.WriteLine($"Other clients accept them if they trust {pem.FullName}.");
                }
            }
        }

        step = $"Cannot connect to the gateway {options.Host}:{options.Port}";
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(options, stop);
        step = $"Cannot listen on 127.0.0.1:{parsed.GetValue(localPort)}";
        await using var proxy = ConnectProxy.Start(client, new IPEndPoint(IPAddress.Loopback, parsed.GetValue(localPort)), certificates);
        Console.WriteLine($"Listening on {proxy.EndPoint}. Channels go to {options.Host}:{options.Port}. Ctrl+C ends the proxy.");
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        MtaTlsClientStatistics statistics = client.GetStatistics();
        Console.WriteLine($"{statistics.ChannelsOpened} channels of {statistics.Handshakes} TLS session(s), {statistics.BytesReceived} bytes received, {statistics.BytesSent} sent.");
        return 0;
    }
    catch (Exception e) when (e is IOException or SocketException or AuthenticationException or CryptographicException or UnauthorizedAccessException or ArgumentException or PlatformNotSupportedException)
    {
        Console.Error.WriteLine($"{step}: {e.Message}");
        return 1;
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        return 0;
    }
}

static X509Certificate2 Load(string file, string? key, string? password)
{
    if (X509Certificate2.GetCertContentType(file) == X509ContentType.Pfx)
    {
        return X509CertificateLoader.LoadPkcs12FromFile(file, password);
    }

    // SslStream on Windows needs a key that is in a PFX.
    using var pem = X509Certificate2.CreateFromPemFile(file, key);
    return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null);
}
