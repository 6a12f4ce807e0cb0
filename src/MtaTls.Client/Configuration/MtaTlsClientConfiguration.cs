using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.Configuration;

namespace MtaTls.Client.Configuration;

/// <summary>Reads <see cref="MtaTlsClientOptions"/> from a configuration section. Errors are remembered and reported with everything else that is wrong with the options.</summary>
internal static class MtaTlsClientConfiguration
{
    /// <param name="section">The section.</param>
    /// <param name="options">Where the values go.</param>
    /// <param name="contentRoot">The directory that relative paths start from.</param>
    public static void Apply(IConfigurationSection section, MtaTlsClientOptions options, string contentRoot)
    {
        options.ConfigurationKey = section.Path;
        new SectionReader(section, options.ConfigurationErrors, contentRoot).Read(MtaTlsClientSettings.Table, options);
    }

    /// <summary>The host's content root; the current directory where there is no host.</summary>
    public static string ContentRoot(IServiceProvider services) => services.GetService<IHostEnvironment>()?.ContentRootPath ?? Environment.CurrentDirectory;
}
