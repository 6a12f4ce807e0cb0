using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace RazorPages.Pages;

public class PrivacyModel : PageModel
{
    public void OnGet()
    {
    }
}

