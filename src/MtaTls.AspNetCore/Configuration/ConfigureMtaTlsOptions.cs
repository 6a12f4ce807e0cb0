using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Fills <see cref="MtaTlsOptions"/> from the section <c>MtaTls</c>, and remembers every value that cannot be used.</summary>
internal sealed class ConfigureMtaTlsOptions(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsOptions>
{
    public void Configure(MtaTlsOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsSettings.SectionName), options.ConfigurationErrors, environment.ContentRootPath)
            .Read(MtaTlsSettings.Table, options, MtaTlsSettings.OfOthers);
}
