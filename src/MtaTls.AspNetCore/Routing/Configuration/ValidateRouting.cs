using Microsoft.Extensions.Options;
using MtaTls.AspNetCore.Identities;

namespace MtaTls.AspNetCore.Routing;

/// <summary>Checks the routes and the rules for identities of <see cref="MtaTlsOptions"/>; what is wrong is reported together with all else that is wrong with the options.</summary>
internal sealed class ValidateRouting : IValidateOptions<MtaTlsOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsOptions options)
    {
        var errors = new List<string>();
        ChannelRouteTable.Create(options.Channels, errors);
        IdentityRule.ReadAll(options.IdentityLimits, errors);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
