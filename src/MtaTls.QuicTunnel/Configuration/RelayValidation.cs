using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MtaTls.Configuration;
using MtaTls.QuicTunnel.Cluster;

namespace MtaTls.QuicTunnel.Configuration;

/// <summary>Checks the section <c>QuicTunnel:Cluster:Relay</c>.</summary>
internal static class RelayValidation
{
    public static void Check(ErrorList errors, string key, TunnelClusterOptions cluster)
    {
        TunnelRelayOptions options = cluster.Relay;
        CommonValidation.EndPoints(errors, $"{key}:Listen", options.Listen, "10.0.0.11:4434 or [fd00::11]:4434");
        if (!string.IsNullOrEmpty(options.Advertise) && !NodeAddress.IsSpecific(options.Advertise))
        {
            errors.Add($"{key}:Advertise", $"'{options.Advertise}' is not an address that other concentrators can reach, such as 10.0.0.11:4434 or [fd00::11]:4434.");
        }

        foreach ((string node, string address) in options.Nodes)
        {
            if (!ClusterValidation.IsNode(node) || !NodeCertificate.IsName(node))
            {
                errors.Add($"{key}:Nodes:{node}", $"'{node}' is not a name of a concentrator that can be a DNS name in its certificate.");
            }
            else if (!NodeAddress.IsSpecific(address))
            {
                errors.Add($"{key}:Nodes:{node}", $"'{address}' is not an address such as 10.0.0.12:4434 or [fd00::12]:4434.");
            }
        }

        if (options.IsSet && !cluster.IsSet)
        {
            errors.Add($"{key}:Listen", "Relaying needs a cluster: set QuicTunnel:Cluster:Node and QuicTunnel:Cluster:SecretPath.");
        }

        CreateSources(cluster, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System, errors);
    }

    /// <summary>Where clients have certificates from the authorities of concentrators, only the listed names are those of concentrators.</summary>
    public static void CheckAuthorities(ErrorList errors, QuicTunnelOptions options)
    {
        string? ofNodes = options.Cluster.Relay.AuthorityPath, ofClients = options.Authentication.AuthorityPath;
        if (options.Cluster.Relay.IsSet && options.Cluster.Relay.Nodes.Count == 0 && options.Authentication.Mode == TunnelAuthenticationMode.ClientCertificate
            && Authorities(ofNodes).Select(static authority => authority.Thumbprint).Intersect(Authorities(ofClients).Select(static authority => authority.Thumbprint)).Any())
        {
            errors.Add(
                $"{QuicTunnelOptions.SectionName}:Cluster:Relay:Nodes", "Clients have certificates of the same authorities, so a client could be taken for a concentrator. List the concentrators, or give them an authority of their own.");
        }
    }

    /// <summary>Reads the authorities of a file; none if that fails, which is reported elsewhere.</summary>
    private static X509Certificate2Collection Authorities(string? path) =>
        AuthoritySource.Create(path, Environment.CurrentDirectory, "", Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, new ErrorList())?.Current ?? [];

    /// <summary>Creates the sources of the certificate for other concentrators and of their authorities; none without relaying.</summary>
    public static (CertificateSource? Certificate, AuthoritySource? Authorities) CreateSources(TunnelClusterOptions cluster, ILogger logger, TimeProvider time, ErrorList errors)
    {
        TunnelRelayOptions options = cluster.Relay;
        if (!options.IsSet)
        {
            return default;
        }

        string directory = Environment.CurrentDirectory;
        var description = CertificateDescription.Of(options.Certificate, directory);
        if (description.IsEmpty && description.KeyPath is null)
        {
            errors.Add($"{RelayNode.SettingKey}:Certificate:Path", "Relaying needs a certificate of this concentrator. Set Path, or Subject for a certificate store.");
        }

        var certificate = CertificateSource.Create(description, $"{RelayNode.SettingKey}:Certificate", CertificatePurpose.Server, logger, time, errors);
        if (certificate is not null && !NodeCertificate.Is(certificate.Current.Certificate, cluster.NodeName))
        {
            errors.Add($"{RelayNode.SettingKey}:Certificate", $"The certificate of '{certificate.Current.Certificate.Subject}' does not have the name of this concentrator, {cluster.NodeName}, among its DNS names.");
        }

        if (string.IsNullOrEmpty(options.AuthorityPath))
        {
            errors.Add($"{RelayNode.SettingKey}:AuthorityPath", "Relaying needs a file with the authorities that issue the certificates of concentrators.");
        }

        return (certificate, AuthoritySource.Create(options.AuthorityPath, directory, $"{RelayNode.SettingKey}:AuthorityPath", logger, errors));
    }
}
