using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Fills the part of <see cref="MtaTlsOptions"/> that is about routing from the section <c>MtaTls</c>.</summary>
internal sealed class ConfigureRouting(IConfiguration configuration) : IConfigureOptions<MtaTlsOptions>
{
    public void Configure(MtaTlsOptions options)
    {
        var section = new SectionReader(configuration.GetSection(ConfigureMtaTlsOptions.SectionName), options.ConfigurationErrors);
        section.Bool(nameof(MtaTlsOptions.AllowHostMismatch), value => options.AllowHostMismatch = value);
        if (section.Section(nameof(MtaTlsOptions.Tcp)) is { } tcp)
        {
            tcp.Value<TimeSpan>(nameof(MtaTlsTcpOptions.ConnectTimeout), value => options.Tcp.ConnectTimeout = value);
            tcp.Value<TimeSpan>(nameof(MtaTlsTcpOptions.HalfCloseLinger), value => options.Tcp.HalfCloseLinger = value);
            tcp.Value<TimeSpan>(nameof(MtaTlsTcpOptions.ShutdownIdleTimeout), value => options.Tcp.ShutdownIdleTimeout = value);
            tcp.Value<int>(nameof(MtaTlsTcpOptions.MaxConnections), value => options.Tcp.MaxConnections = value);
            tcp.Value<int>(nameof(MtaTlsTcpOptions.MaxConnectionsPerAddress), value => options.Tcp.MaxConnectionsPerAddress = value);
            tcp.Value<int>(nameof(MtaTlsTcpOptions.MaxLookups), value => options.Tcp.MaxLookups = value);
            tcp.Value<int>(nameof(MtaTlsTcpOptions.MaxLookupsPerAddress), value => options.Tcp.MaxLookupsPerAddress = value);
            tcp.RejectUnknownKeys();
        }

        foreach (SectionReader route in section.Sections(nameof(MtaTlsOptions.Channels)))
        {
            options.Channels.Add(ReadRoute(route));
        }
    }

    /// <summary>Reads a client certificate condition, wherever one stands.</summary>
    public static ClientCertificateConditionOptions? ReadCertificate(SectionReader section)
    {
        if (section.Section(nameof(ChannelRouteOptions.ClientCertificate)) is not { } certificate)
        {
            return null;
        }

        var options = new ClientCertificateConditionOptions
        {
            Subject = certificate.Text(nameof(ClientCertificateConditionOptions.Subject)),
            Issuer = certificate.Text(nameof(ClientCertificateConditionOptions.Issuer)),
        };
        certificate.List(nameof(ClientCertificateConditionOptions.Thumbprints), options.Thumbprints);
        certificate.List(nameof(ClientCertificateConditionOptions.SubjectAlternativeNames), options.SubjectAlternativeNames);
        certificate.RejectUnknownKeys();
        return options;
    }

    private static ChannelRouteOptions ReadRoute(SectionReader section)
    {
        var route = new ChannelRouteOptions
        {
            ConfigurationKey = section.Key,
            Name = section.Text(nameof(ChannelRouteOptions.Name)),
            Upstream = section.Text(nameof(ChannelRouteOptions.Upstream)),
            ClientCertificate = ReadCertificate(section),
        };
        section.Enum<ChannelRouteAction>(nameof(ChannelRouteOptions.Action), value => route.Action = value);
        section.Bool(nameof(ChannelRouteOptions.AllowAnonymous), value => route.AllowAnonymous = value);
        section.List(nameof(ChannelRouteOptions.Hosts), route.Hosts);
        section.List(nameof(ChannelRouteOptions.Ports), route.Ports);
        section.List(nameof(ChannelRouteOptions.Endpoints), route.Endpoints);
        section.List(nameof(ChannelRouteOptions.AllowedNetworks), route.AllowedNetworks);
        section.RejectUnknownKeys();
        return route;
    }
}
