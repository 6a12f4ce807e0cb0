using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>Fills <see cref="MtaTlsReverseProxyOptions"/> from the section <c>MtaTls</c>, whose other keys are read by MtaTls.AspNetCore.</summary>
internal sealed class ConfigureReverseProxy(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsReverseProxyOptions>
{
    public void Configure(MtaTlsReverseProxyOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsSettings.SectionName), options.ConfigurationErrors, environment.ContentRootPath).ReadPart(ReverseProxySections.Table, options);
}
