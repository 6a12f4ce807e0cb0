using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Configuration;
using MtaTls.Configuration;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>Reads <see cref="MtaTlsReverseProxyOptions"/> from the section <c>MtaTls</c>. MtaTls.AspNetCore reads the other keys of that section.</summary>
internal sealed class ConfigureReverseProxy(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsReverseProxyOptions>
{
    public void Configure(MtaTlsReverseProxyOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsSettings.SectionName), options.ConfigurationErrors, environment.ContentRootPath).ReadPart(ReverseProxySections.Table, options);
}
