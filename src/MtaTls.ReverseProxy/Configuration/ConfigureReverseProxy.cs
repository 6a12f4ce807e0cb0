using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>Fills <see cref="MtaTlsReverseProxyOptions"/> from the section <c>MtaTls</c>.</summary>
internal sealed class ConfigureReverseProxy(IConfiguration configuration) : IConfigureOptions<MtaTlsReverseProxyOptions>
{
    public void Configure(MtaTlsReverseProxyOptions options)
    {
        IConfigurationSection section = configuration.GetSection(ConfigureMtaTlsOptions.SectionName);
        // A destination has colons, which divide keys here: the key is all of the path.
        foreach ((string destination, string? url) in section.GetSection(nameof(MtaTlsReverseProxyOptions.Destinations)).AsEnumerable(makePathsRelative: true))
        {
            if (url is not null && destination.Length > 0)
            {
                options.Destinations[destination] = url;
            }
        }

        foreach (SectionReader peer in new SectionReader(section, options.ConfigurationErrors).Sections(nameof(MtaTlsReverseProxyOptions.TrustedPeers)))
        {
            options.TrustedPeers.Add(ReadPeer(peer));
        }
    }

    private static TrustedPeerOptions ReadPeer(SectionReader section)
    {
        var peer = new TrustedPeerOptions { ClientCertificate = ConfigureRouting.ReadCertificate(section) };
        section.List(nameof(TrustedPeerOptions.Networks), peer.Networks);
        section.RejectUnknownKeys();
        return peer;
    }
}
